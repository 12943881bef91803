#!/usr/bin/env bash
# The CPU machine's part: record episodes with all cores. Then copy the run folder to the GPU
# machine and go on there with gpu_jobs.bash.
#
#   bash extract.bash doom                    # all cores of this machine
#   bash extract.bash doom runs/doom          # into a run folder of your choice
#   LAUNCH="mpiexec -n 65" bash extract.bash doom     # under MPI: one rank leads, 64 work
set -euo pipefail
config="${1:?usage: bash extract.bash CONFIG [RUN]}"
run="${2:-runs/$(basename "$config" .toml)}"

${LAUNCH:-} wm extract "$config" --run "$run"
