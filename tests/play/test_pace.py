"""The metronome: the game's own speed where the machine can, and the truth where it cannot."""

from __future__ import annotations

import pytest

from worldmodels.play.pace import MOST_AT_ONCE, Pace


def steps(pace: Pace, every_s: float, seconds: float) -> list[int]:
    """What is due at each turn of a loop that takes `every_s`."""
    return [pace.due(100 + i * every_s) for i in range(round(seconds / every_s))]


@pytest.mark.parametrize("every_s", [0.001, 0.013, 0.02, 0.05])
def test_the_game_keeps_its_speed_however_often_it_is_asked(every_s: float) -> None:
    pace = Pace(50)
    assert sum(steps(pace, every_s, 4.0)) == pytest.approx(200, abs=2)
    assert pace.measured_per_s == pytest.approx(50, rel=0.05)
    assert not pace.is_behind


def test_a_slow_loop_takes_several_steps_a_picture_but_not_too_many() -> None:
    pace = Pace(50)
    given = steps(pace, 0.2, 4.0)
    assert max(given) == MOST_AT_ONCE
    assert pace.is_behind
    assert pace.measured_per_s == pytest.approx(MOST_AT_ONCE / 0.2, rel=0.05)


def test_lost_time_is_not_made_up_for() -> None:
    pace = Pace(50)
    assert pace.due(0.0) == 1
    assert pace.due(60.0) == MOST_AT_ONCE
    assert pace.due(60.001) == 0
    assert pace.due(60.021) == 1


def test_the_wait_ends_when_the_next_step_is_due() -> None:
    pace = Pace(50)
    pace.due(0.0)
    assert pace.wait_s(0.005) == pytest.approx(0.015)
    assert pace.wait_s(0.1) == 0
    assert pace.due(0.0 + pace.wait_s(0.0) + 1e-9) == 1


def test_no_speed_is_told_before_there_is_something_to_measure() -> None:
    pace = Pace(50)
    steps(pace, 0.02, 0.3)
    assert pace.measured_per_s is None
    assert not pace.is_behind
