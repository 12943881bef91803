"""Two worlds driven with the same actions."""

from __future__ import annotations

from collections.abc import Sequence

import gymnasium
import numpy as np
import pytest

from worldmodels.evolution.driving import drive
from worldmodels.worlds.world import Step, World


class Counting(World):
    """Shows the number of its step, and remembers its actions and seeds."""

    def __init__(self, length: int, brightness: int = 0) -> None:
        frames = gymnasium.spaces.Box(0, 255, (64, 64, 3), np.uint8)
        super().__init__(1, frames, gymnasium.spaces.Box(-1, 1, (1,), np.float32), "Disabled")
        self.length, self.brightness = length, brightness
        self.actions: list[float] = []
        self.seeds: list[int | None] = []
        self.count = 0

    def _start(self, index: np.ndarray, seeds: Sequence[int | None]) -> None:
        self.seeds += seeds
        self.count = 0

    def _advance(self, index: np.ndarray, actions: np.ndarray) -> Step:
        self.actions.append(float(actions[0, 0]))
        self.count += 1
        ended = np.array([self.count >= self.length])
        return Step(np.array([float(self.count)]), ended, np.array([False]))

    def _observe(self) -> np.ndarray:
        return np.full((1, 64, 64, 3), self.count + self.brightness, np.uint8)


class Looking:
    """Its actions are what it sees."""

    def begin(self, slots: np.ndarray, seeds: np.ndarray, candidates: np.ndarray) -> None:
        self.seeds = seeds.tolist()

    def act(self, observations: np.ndarray) -> np.ndarray:
        return observations[:, 0, 0, :1].astype(np.float32)


def test_both_worlds_take_the_actions_that_the_official_frames_ask_for() -> None:
    official, other, policy = Counting(4), Counting(4, brightness=9), Looking()
    drive(official, other, policy, seed=5, most=100, frames_per_s=10)
    assert official.actions == other.actions == [0, 1, 2, 3]
    assert official.seeds == other.seeds == policy.seeds == [5]


@pytest.mark.parametrize(("lengths", "most"), [((4, 7), 100), ((7, 4), 100), ((9, 9), 4)])
def test_worlds_are_compared_over_the_steps_that_both_took(
    lengths: tuple[int, int], most: int
) -> None:
    found = drive(Counting(lengths[0]), Counting(lengths[1]), Looking(), 5, most, 10)
    assert found.reward.tolist() == [[1, 2, 3, 4]] * 2
    assert found.pixel_error.tolist() == [0] * 5
    assert found.length.tolist() == [min(length, most) for length in lengths]
    assert found.terminated.tolist() == [length <= most for length in lengths]


def test_frames_are_kept_from_the_reset_to_the_end_and_the_worst_one_last() -> None:
    found = drive(Counting(100), Counting(100, brightness=2), Looking(), 5, 100, frames_per_s=20)
    assert found.shown.tolist() == [0, 5, 10, 20, 46, 73, 100, 0]
    assert found.frame[0, :, 0, 0, 0].tolist() == found.shown.tolist()
    assert (found.frame[1] == found.frame[0] + 2).all()
    assert (found.pixel_error == 2).all()


def test_the_shortest_episode_has_frames_to_show() -> None:
    found = drive(Counting(1), Counting(1), Looking(), 5, 100, frames_per_s=20)
    assert found.shown.tolist() == [0, 1, 0]
