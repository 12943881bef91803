#!/usr/bin/env bash
# The GPU machine's part: train V, encode the episodes, train M. Afterwards search C: Doom's in the
# dream, here on the GPU; CarRacing's in the game, on the CPU machine with all its cores:
#
#   bash gpu_jobs.bash doom
#   wm train-ctrl doom --slots 1024 --unit-episodes 1024  # here, a generation in one batch
#   mpiexec -n 65 wm train-ctrl carracing                # on the CPU machine
#   wm eval doom && wm render doom                       # on a machine with both, or after copying
set -euo pipefail
config="${1:?usage: bash gpu_jobs.bash CONFIG [RUN]}"
run="${2:-runs/$(basename "$config" .toml)}"

wm train-vae "$config" --run "$run" --device cuda
wm encode "$config" --run "$run" --device cuda --workers 1
wm train-rnn "$config" --run "$run" --device cuda
