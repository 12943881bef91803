"""Recording in the plain way: the official game, lists, np.savez_compressed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from worldmodels.experiments.carracing import EXPERIMENT
from worldmodels.worlds.carracing import make_car_racing


@dataclass(frozen=True)
class PlainRecorder:
    """An episode of the official CarRacing a call."""

    folder: Path
    explorer: str
    max_steps: int

    @property
    def has_networks(self) -> bool:
        """None: only the game is played."""
        return False

    def open(self, device: Any) -> Callable[[int], tuple[int, float]]:
        """Start the game; the function records the episode of a seed: steps, and seconds."""
        env = make_car_racing(max_episode_steps=self.max_steps)

        def record(seed: int) -> tuple[int, float]:
            began = time.perf_counter()
            explorer = EXPERIMENT.find_explorer(self.explorer)(np.random.default_rng(seed))
            frame, _ = env.reset(seed=seed)
            frames, actions, rewards, ended = [frame], [], [], False
            while not ended:
                action = explorer(frame)
                frame, reward, terminated, truncated, _ = env.step(action)
                frames.append(frame)
                actions.append(action)
                rewards.append(float(reward))
                ended = terminated or truncated
            path = self.folder / f"plain-{seed}.npz"
            np.savez_compressed(path, frame=frames, action=actions, reward=rewards)
            return len(actions), time.perf_counter() - began

        return record
