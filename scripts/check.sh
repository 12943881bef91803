#!/usr/bin/env bash
# Format, lint and types.
set -euo pipefail
EXTRAS=dev,mpi,tensorboard,web
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

ruff format --check .
ruff check .
mypy
