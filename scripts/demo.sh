#!/usr/bin/env bash
# The main job from a bare checkout: the whole pipeline on CarRacing-v3, from random driving to a car
# that stays on the road in the official game.
# Eight minutes on two cores with bfloat16, longer without; repeat it to go on where it stopped.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

run="${1:-runs/demo}"
wm run carracing-demo --run "$run"
echo
echo "Everything is in $run: reconstructions in vae/, M's dream in rnn/dream.png, the search in"
echo "ctrl/history.jsonl, the score in eval/report.md. Watch the video: $(ls "$run"/render/*/*.mp4)"
