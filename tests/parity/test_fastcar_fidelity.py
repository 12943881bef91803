"""`wm fidelity` on the real game and its real fast world."""

from __future__ import annotations

import json
from typing import Any

import pytest

from worldmodels.cli import main

STEPS = 60
EPISODES = 2


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    run = tmp_path_factory.mktemp("fidelity")
    limits = ["--episodes", str(EPISODES), "--max-steps", str(STEPS), "--workers", "1"]
    assert main(["fidelity", "carracing-laptop", "--run", str(run), *limits]) == 0
    content: dict[str, Any] = json.loads((run / "fidelity" / "report.json").read_text())
    return content


def test_the_fast_cars_rewards_and_ends_are_reported_as_equal(report: dict[str, Any]) -> None:
    steps = EPISODES * STEPS
    found = report["open_loop"]
    assert found["rewards"] == {"equal": steps, "count": steps, "largest": 0}
    assert found["ends"] == {"equal": EPISODES, "count": EPISODES, "largest": 0}


def test_the_fast_cars_hull_is_reported_to_stay_where_the_official_one_is(
    report: dict[str, Any],
) -> None:
    drift = report["open_loop"]["drift"]
    assert drift.keys() == {"hull_centre_m", "hull_angle_rad"}
    assert {quantity["largest"] for quantity in drift.values()} == {0}


def test_the_fast_cars_frames_are_reported_as_near_but_not_as_equal(
    report: dict[str, Any],
) -> None:
    found = report["open_loop"]
    for part, most in (("first_second", 1.0), ("afterwards", 0.5)):
        assert 0 < found[part]["mean"] < most
        assert found[part]["mean"] < found[part]["worst"] < 2
