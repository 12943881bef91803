"""Real frames of the game, to be shown beside what V makes of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from worldmodels.data.episodes import load_episode
from worldmodels.evolution.rollout import Limits, Observer, Policy, Task, play
from worldmodels.worlds.world import World

EPISODES = 4  # that frames are taken from
STEPS = 360  # of a game that is played for them


def recorded_frames(paths: list[Path], count: int) -> UInt8[np.ndarray, "N 64 64 3"]:
    """Frames of the last of the recorded episodes, which V was not trained on, in turn.

    Each is later in its episode than the one before. Raises WorldModelsError for a damaged file.
    """
    episodes = [load_episode(path).frame for path in paths[-EPISODES:]]
    turns = [episodes[i % len(episodes)] for i in range(count)]
    return np.stack([turn[len(turn) * (2 * i + 1) // (2 * count)] for i, turn in enumerate(turns)])


def played_frames(
    world: World, policy: Policy, seed: int, count: int
) -> UInt8[np.ndarray, "N 64 64 3"]:
    """Frames of an episode that is played now, at equal distances in time."""
    watcher = _Watcher()
    play(world, policy, [Task(seed)], Limits(max_steps=STEPS), watcher)
    chosen = np.linspace(0, len(watcher.frames) - 1, count).round().astype(int)
    return np.stack([watcher.frames[i] for i in chosen])


class _Watcher(Observer):
    """Keeps every frame of an episode."""

    def __init__(self) -> None:
        self.frames: list[np.ndarray] = []

    def started(self, number: int, slot: int, observation: np.ndarray) -> None:
        self.frames.append(observation.copy())

    def stepped(
        self, number: int, slot: int, action: np.ndarray, reward: float, observation: np.ndarray
    ) -> None:
        self.frames.append(observation.copy())
