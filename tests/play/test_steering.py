"""Levers: how held keys become an action."""

from __future__ import annotations

import numpy as np
import pytest

from worldmodels.experiment import Lever
from worldmodels.experiments.carracing import EXPERIMENT
from worldmodels.play.steering import Steering

WHEEL = Lever("wheel", plus="right", minus="left", reach=0.4, rise_s=0.2, fall_s=0.1)


def places(lever: Lever, *held: tuple[set[str], int]) -> list[float]:
    """Where a lever is after each hundredth of a second of holding keys."""
    steering = Steering([lever])
    return [
        float(steering.move(keys, 0.01)[0]) for keys, hundredths in held for _ in range(hundredths)
    ]


@pytest.mark.parametrize(("key", "sign"), [("right", 1), ("left", -1)])
def test_a_lever_rises_evenly_and_stays_at_its_reach(key: str, sign: int) -> None:
    path = places(WHEEL, ({key}, 30))
    np.testing.assert_allclose(path[:20], sign * np.arange(1, 21) * 0.02, atol=1e-6)
    np.testing.assert_allclose(path[20:], sign * 0.4, atol=1e-6)


def test_a_lever_falls_back_to_rest() -> None:
    path = places(WHEEL, ({"right"}, 20), (set(), 15))
    np.testing.assert_allclose(path[20:30], np.arange(9, -1, -1) * 0.04, atol=1e-6)
    assert path[30:] == [0] * 5


def test_turning_around_falls_first_then_rises() -> None:
    path = places(WHEEL, ({"right"}, 20), ({"left"}, 30))
    assert path[29] == pytest.approx(0, abs=1e-6)
    assert path[39] == pytest.approx(-0.2, abs=0.03)
    assert path[-1] == pytest.approx(-0.4, abs=1e-6)


def test_opposite_keys_cancel_out() -> None:
    assert places(WHEEL, ({"left", "right"}, 5)) == [0] * 5


def test_a_lever_without_times_jumps() -> None:
    step = Lever("step", plus="right", minus="left")
    assert places(step, ({"left"}, 1), ({"right"}, 1), (set(), 1)) == [-1, 1, 0]


def test_keys_drive_the_car_within_its_action_space() -> None:
    steering = Steering(EXPERIMENT.levers)
    space = EXPERIMENT.action_space()
    for held in ({"left", "up"}, {"right", "down"}, set(), {"up", "down", "left", "right"}):
        for _ in range(30):
            assert steering.move(held, 0.02) in space
    for _ in range(30):
        steer, gas, brake = steering.move({"right", "up"}, 0.02)
    assert steer > 0
    assert gas > 0
    assert brake == 0
