#!/usr/bin/env bash
# Sets everything up and runs the tests; arguments go to pytest.
set -euo pipefail
EXTRAS=dev,mpi,tensorboard,web
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
bash scripts/chromium.sh

# One thread a process: several workers share the cores.
export OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 SDL_VIDEODRIVER=dummy
python -m pytest "$@"
