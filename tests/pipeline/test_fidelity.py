"""`wm fidelity` on games whose second worlds are known to be the same, or known not to be."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import TINY, call, command
from PIL import Image

from worldmodels.cli import main

Measure = Callable[..., dict[str, Any]]


@pytest.fixture
def twin(tmp_path: Path) -> str:
    """A config of the game with second worlds."""
    path = tmp_path / "twin.toml"
    path.write_text(f'extends = "{TINY}"\nexperiment = "twin_game"\n')
    return str(path)


@pytest.fixture
def measure(twin: str, tmp_path: Path) -> Measure:
    """Holds one of the worlds beside the official one; the report."""

    def measure(world: str, *more: str) -> dict[str, Any]:
        run = tmp_path / "run"
        where = ["--run", str(run), "--workers", "1"]
        assert main(["fidelity", twin, "--world", world, *where, *more]) == 0
        report: dict[str, Any] = json.loads((run / "fidelity" / "report.json").read_text())
        return report

    return measure


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """The complaint: the last line on standard error."""
    return capsys.readouterr().err.strip().splitlines()[-1]


def test_the_same_world_is_found_the_same_in_everything(measure: Measure) -> None:
    found = measure("same")["open_loop"]
    steps = found["rewards"]["count"]
    assert steps > 20
    assert found["rewards"] == {"equal": steps, "count": steps, "largest": 0}
    assert found["ends"] == {"equal": 3, "count": 3, "largest": 0}
    assert found["drift"]["dot_px"] == {"equal": steps + 3, "count": steps + 3, "largest": 0}
    assert (found["first_second"]["worst"], found["afterwards"]["worst"]) == (0, 0)


def test_other_rewards_are_found(measure: Measure) -> None:
    found = measure("dearer", "--max-steps", "4")["open_loop"]
    assert found["rewards"] == {"equal": 9, "count": 12, "largest": 0.25}
    assert found["ends"]["equal"] == 3


def test_other_ends_are_found_and_the_rest_compared_up_to_there(measure: Measure) -> None:
    found = measure("shorter", "--max-steps", "5")["open_loop"]
    assert found["ends"] == {"equal": 0, "count": 3, "largest": 2}
    assert found["rewards"] == {"equal": 9, "count": 9, "largest": 0}


def test_drift_is_found(measure: Measure) -> None:
    found = measure("shifted", "--max-steps", "5")["open_loop"]
    assert found["drift"]["dot_px"] == {"equal": 6, "count": 18, "largest": 0.5}


def test_a_world_that_cannot_tell_its_physics_is_compared_without(
    measure: Measure, capsys: pytest.CaptureFixture[str]
) -> None:
    assert measure("silent")["open_loop"]["drift"] == {}
    assert "dot" not in capsys.readouterr().out


def test_other_frames_are_found_in_the_first_second_and_afterwards(measure: Measure) -> None:
    found = measure("brighter", "--episodes", "1", "--max-steps", "14")["open_loop"]
    first = {"mean": pytest.approx(0.3), "worst": 3, "seed": 100, "step": 0}
    assert found["first_second"] == first
    assert found["afterwards"] == {"mean": 5 / 5, "worst": 5, "seed": 100, "step": 11}


def test_an_episode_within_the_first_second_has_nothing_afterwards(measure: Measure) -> None:
    assert measure("same", "--max-steps", "4")["open_loop"]["afterwards"] is None


def test_without_an_agent_the_report_says_how_to_get_the_closed_loop(
    measure: Measure, capsys: pytest.CaptureFixture[str]
) -> None:
    assert measure("same")["closed_loop"] is None
    assert "Train one with `wm train-ctrl`, or name one with --agent." in capsys.readouterr().out


def test_the_agent_plays_the_evaluations_episodes_in_both_worlds(
    measure: Measure, finished_run: Path
) -> None:
    found = measure("dearer", "--agent", str(finished_run))["closed_loop"]
    scored = json.loads((finished_run / "eval" / "report.json").read_text())
    official = found["episodes"]["official"]
    assert [row["seed"] for row in official] == scored["seeds"][:3]
    assert [row["return"] for row in official] == scored["returns"][:3]
    # The frames are the same, hence the actions: what differs is the bonus.
    bonus = [0.25 * (row["length"] // 3) for row in official]
    other = [row["return"] for row in found["episodes"]["dearer"]]
    assert other == [row["return"] + more for row, more in zip(official, bonus, strict=True)]
    assert found["difference"]["mean"] == pytest.approx(sum(bonus) / 3)
    assert found["equal"] == bonus.count(0)


def test_the_closed_loop_keeps_to_the_limit_on_steps_and_says_so(
    measure: Measure, finished_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = measure("same", "--agent", str(finished_run), "--max-steps", "2")
    rows = found["closed_loop"]["episodes"].values()
    assert {row["length"] for world in rows for row in world} == {2}
    assert found["max_steps"] == 2
    shown = " ".join(capsys.readouterr().out.split())  # whatever the width of the screen
    assert "cut after 2 steps." in shown
    assert "in each world for 2 steps." in shown


def test_the_number_of_workers_changes_nothing(
    measure: Measure, finished_run: Path, twin: str, tmp_path: Path
) -> None:
    how = ["--world", "shifted", "--agent", str(finished_run), "--episodes", "6"]
    alone = measure(*how[1:])
    run = tmp_path / "shared"
    result = call(command("fidelity", twin, *how, "--run", str(run), "--workers", "2"))
    assert result.returncode == 0, result.stderr
    assert json.loads((run / "fidelity" / "report.json").read_text()) == alone


def test_more_episodes_keep_those_already_played(
    measure: Measure, finished_run: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run" / "fidelity"
    measure("same", "--agent", str(finished_run), "--episodes", "2")
    driven, played = folder / "101.npz", folder / "episodes.jsonl"
    before = driven.stat().st_mtime_ns, played.read_text()
    report = measure("same", "--agent", str(finished_run), "--episodes", "3")
    assert [episode["seed"] for episode in report["open_loop"]["episodes"]] == [100, 101, 102]
    assert driven.stat().st_mtime_ns == before[0]
    assert played.read_text().startswith(before[1])
    assert len(played.read_text().splitlines()) == 6


def test_a_damaged_drive_is_made_anew(measure: Measure, tmp_path: Path) -> None:
    before = measure("same")
    path = tmp_path / "run" / "fidelity" / "101.npz"
    content = path.read_bytes()
    path.write_bytes(content[:500])
    assert measure("same") == before
    assert path.read_bytes() == content


def test_another_world_replaces_the_comparison(measure: Measure, tmp_path: Path) -> None:
    measure("same", "--episodes", "3")
    measure("dearer", "--episodes", "2")
    drives = sorted(path.name for path in (tmp_path / "run" / "fidelity").glob("*.npz"))
    assert drives == ["100.npz", "101.npz"]


def test_the_picture_and_the_tables_are_there(
    measure: Measure, finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    measure("dearer", "--agent", str(finished_run))
    folder = tmp_path / "run" / "fidelity"
    with Image.open(folder / "frames.png") as picture:
        assert picture.width > picture.height > 3 * 128
    shown, markdown = capsys.readouterr().out, (folder / "report.md").read_text()
    for text in (shown, markdown):
        assert "seeds 100 to 102" in text
        assert "dearer - official, paired" in text
    assert "| rewards | equal in " in markdown


def test_a_dry_run_says_what_would_be_played_and_plays_nothing(
    twin: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert main(["fidelity", twin, "--world", "same", "--run", str(run), "--dry-run"]) == 0
    assert "3 episodes of Twin game in the official and the same world" in capsys.readouterr().out
    assert not run.exists()


def test_a_game_of_one_world_has_nothing_to_measure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for game in (TINY, "doom-smoke"):
        assert main(["fidelity", game, "--run", str(tmp_path / "run")]) == 2
        assert "has no second world" in said(capsys)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("flags", "part"),
    [
        (["--world", "saem"], "has no world 'saem' to hold beside the official one; did you mean"),
        (["--world", "official"], "to hold beside the official one. It has: same, dearer"),
        (["--world", "same", "--explorer", "hold"], "did you mean 'held'?"),
        (["--world", "same", "--episodes", "0"], "--episodes must be at least 1"),
        (["--world", "same", "--agent", "nowhere"], "there is no agent in nowhere"),
    ],
)
def test_what_cannot_be_measured_is_a_usage_mistake(
    flags: list[str], part: str, twin: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fidelity", twin, "--run", str(tmp_path / "run"), *flags]) == 2
    assert part in said(capsys)
    assert not (tmp_path / "run").exists()


def test_an_agent_without_its_networks_is_refused_before_the_old_report_is_touched(
    measure: Measure,
    run_with: Callable[..., Path],
    twin: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    measure("same")
    run_with("ctrl")
    where = ["--run", str(tmp_path / "run"), "--world", "same"]
    assert main(["fidelity", twin, *where]) == 1
    assert "wm train-vae" in said(capsys)
    assert (tmp_path / "run" / "fidelity" / "done").exists()
