"""Play a few steps of a shipped game, and print facts about them as a line of JSON.

Called as `python -m worldmodels.stages.health.short_game NAME`, since a broken engine may take
the whole interpreter with it.
"""

from __future__ import annotations

import json
import sys
import time

FIRST_STEPS = 5  # not timed: engines are slow at first
TIMED_STEPS = 30


def play(name: str) -> dict[str, object]:
    """Facts about a short game. Raises RuntimeError if its frames are not what they should be."""
    import numpy as np

    from worldmodels.config import find_config, load_config
    from worldmodels.experiment import WorldRequest, find_experiment

    config = load_config(find_config(name))
    experiment = find_experiment(config.experiment)
    began = time.perf_counter()
    world = experiment.make_world(WorldRequest("official", 1, experiment.make_settings(config)))
    world.action_space.seed(1)
    try:
        frame, _ = world.reset(seed=1)
        start_s = time.perf_counter() - began
        for step in range(FIRST_STEPS + TIMED_STEPS):
            if step == FIRST_STEPS:
                began = time.perf_counter()
            frame, *_ = world.step(world.action_space.sample())
        elapsed_s = time.perf_counter() - began
    finally:
        world.close()
    if frame.shape != world.observation_space.shape or frame.dtype != np.uint8:
        raise RuntimeError(f"the game draws {frame.dtype} frames of the shape {frame.shape}")
    if frame.min() == frame.max():
        raise RuntimeError("the game draws frames of a single colour")
    return {
        "title": experiment.title,
        "shape": "x".join(map(str, frame.shape[1:])),
        "steps_per_s": TIMED_STEPS / elapsed_s,
        "start_s": start_s,
    }


def main(name: str) -> None:
    """Play the game `name`; a failure is a line on standard error and exit code 1."""
    try:
        facts = play(name)
    except Exception as error:
        sys.exit(" ".join(f"{type(error).__name__}: {error}".split()))
    print(json.dumps(facts))


if __name__ == "__main__":
    main(sys.argv[1])
