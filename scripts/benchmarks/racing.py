"""Three CarRacings driven with the same actions on one core: fast, official, envpool's."""

from __future__ import annotations

import time

import numpy as np

from worldmodels.experiments.carracing import EXPERIMENT
from worldmodels.worlds.carracing import make_car_racing
from worldmodels.worlds.fastcar.env import FastCarWorld

CARS = 16  # side by side, as in a search
FAST_REPEATS = 4  # of a race that is over in a moment


def drifting_actions(steps: int, seed: int = 1) -> np.ndarray:
    """Actions (T, 3) of the explorer that the laptop config records with."""
    explorer = EXPERIMENT.find_explorer("brownian")(np.random.default_rng(seed))
    return np.stack([explorer(np.empty(0)) for _ in range(steps)])


class FastRace:
    """The fast world: many cars on tracks of their own, all driven alike."""

    def __init__(self, steps: int) -> None:
        self._actions = drifting_actions(steps)
        self._world = FastCarWorld(CARS, threads=1, autoreset_mode="Disabled")

    def __call__(self) -> float:
        """Steps in a second."""
        elapsed_s = 0.0
        for repeat in range(FAST_REPEATS):
            self._world.reset(seed=1 + repeat * CARS)
            began = time.perf_counter()
            for action in self._actions:
                self._world.step(np.broadcast_to(action, (CARS, 3)))
            elapsed_s += time.perf_counter() - began
        return FAST_REPEATS * CARS * len(self._actions) / elapsed_s


class OfficialRace:
    """Gymnasium's game as the official world shows it: 64x64 frames."""

    def __init__(self, steps: int) -> None:
        self._actions = drifting_actions(steps)
        self._env = make_car_racing()

    def __call__(self) -> float:
        """Steps in a second."""
        self._env.reset(seed=1)
        began = time.perf_counter()
        for action in self._actions:
            self._env.step(action)
        return len(self._actions) / (time.perf_counter() - began)


class EnvpoolRace:
    """envpool's game: compiled too, with frames of 96x96 pixels that are not antialiased."""

    def __init__(self, steps: int) -> None:
        import envpool

        self._actions = drifting_actions(steps)
        self._envs = envpool.make(
            "CarRacing-v3", env_type="gymnasium", num_envs=CARS, num_threads=1, seed=1
        )

    def __call__(self) -> float:
        """Steps in a second."""
        self._envs.reset()
        began = time.perf_counter()
        for action in self._actions:
            self._envs.step(np.tile(action, (CARS, 1)))
        return CARS * len(self._actions) / (time.perf_counter() - began)
