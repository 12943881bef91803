"""The fast car's frames against the official game's, in grey levels of 255."""

from __future__ import annotations

import numpy as np
import pytest
from official_car import pilot, rough

from worldmodels.worlds.carracing import make_car_racing
from worldmodels.worlds.fastcar.env import FastCarWorld

DRIVES = {1: pilot, 8: rough(8)}
STEPS = 200
FIRST_SECOND = 50


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    """(2, drives, steps + 1, 64, 64, 3): official, fast."""
    episodes = []
    env = make_car_racing()
    for seed, policy in DRIVES.items():
        world = FastCarWorld()
        official, fast = [env.reset(seed=seed)[0]], [world.reset(seed=[seed])[0][0]]
        for step in range(STEPS):
            action = policy(step, env.unwrapped)
            official.append(env.step(action)[0])
            fast.append(world.step(action[None])[0][0])
        episodes.append([official, fast])
    env.close()
    return np.array(episodes, dtype=np.float64).swapaxes(0, 1)


def test_frames_after_the_first_second_differ_by_less_than_half_a_level_on_average(
    frames: np.ndarray,
) -> None:
    official, fast = frames[:, :, FIRST_SECOND:]
    assert np.abs(official - fast).mean() < 0.5


def test_frames_of_the_first_second_differ_by_less_than_one_level_on_average(
    frames: np.ndarray,
) -> None:
    official, fast = frames[:, :, :FIRST_SECOND]
    assert np.abs(official - fast).mean() < 1.0


def test_no_single_frame_differs_by_more_than_two_levels_on_average(frames: np.ndarray) -> None:
    official, fast = frames
    assert np.abs(official - fast).mean(axis=(2, 3, 4)).max() < 2.0


def test_no_part_of_a_frame_differs_by_more_than_a_fringe(frames: np.ndarray) -> None:
    """Over 8x8 pixels; a missing border or wheel would show."""
    error = np.abs(frames[0] - frames[1]).reshape(len(DRIVES), STEPS + 1, 8, 8, 8, 8, 3)
    assert error[:, FIRST_SECOND:].mean(axis=(3, 5, 6)).max() < 6


def test_frames_are_neither_brighter_nor_darker_than_the_official_ones(frames: np.ndarray) -> None:
    official, fast = frames
    np.testing.assert_allclose((fast - official).mean(axis=(0, 1, 2, 3)), 0, atol=0.2)


def test_the_car_is_drawn_where_the_official_one_is(frames: np.ndarray) -> None:
    official, fast = frames[:, :, FIRST_SECOND:, 48:60, 28:36]
    assert np.abs(official - fast).mean() < 4
