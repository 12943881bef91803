"""`wm run` with rounds: the paper's iterative procedure."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import TINY

from worldmodels.cli import main
from worldmodels.config import load_config, load_recorded_config
from worldmodels.stages.extract import scattered

STAGES_OF_A_ROUND = ("episodes", "vae", "series", "rnn", "ctrl")


@pytest.fixture
def second(tmp_path: Path) -> Path:
    """A config whose round before is the tiny one."""
    path = tmp_path / "second.toml"
    path.write_text(
        f'extends = "{TINY}"\nprevious = "{TINY}"\n'
        '[extract]\nagent = "previous"\nagent_spread = 0.2\n'
        '[train_vae]\nstart = "previous"\n'
        '[train_rnn]\nstart = "previous"\n'
        '[train_ctrl]\nstart = "previous"\ngenerations = 3\n'
    )
    return path


def test_a_run_makes_the_round_before_and_goes_on_from_its_agent(
    second: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    words = ["run", str(second), "--run", str(run), "--workers", "1"]
    assert main([*words, "--dry-run"]) == 0
    planned = capsys.readouterr().out
    assert planned.count("record 8 of 8 episodes") == 2
    assert not run.exists()

    assert main(words) == 0
    said = capsys.readouterr().err
    assert f"round 1 of 2: {TINY} in {run / 'previous'}" in said
    assert f"round 2 of 2: {second} in {run}" in said
    for name in STAGES_OF_A_ROUND:
        assert (run / name / "done").is_file()
        assert (run / "previous" / name / "done").is_file()
    assert (run / "eval" / "report.json").is_file()
    assert not (run / "previous" / "eval").exists()  # only the last round is scored
    recorded = json.loads((run / "episodes" / "settings.json").read_text())
    assert recorded["agent"] == "previous"
    assert "input:ctrl" in recorded
    rows = (run / "ctrl" / "earlier.jsonl").read_text().splitlines()
    assert rows
    assert set(rows) <= set((run / "previous/ctrl/history.jsonl").read_text().splitlines())
    assert load_recorded_config(run).previous == str(TINY)

    assert main(words) == 0
    said = capsys.readouterr().err
    assert f"{run / 'previous' / 'ctrl'} is finished already" in said
    assert f"{run / 'ctrl'} is finished already" in said


def test_a_stage_that_goes_on_from_a_missing_round_says_so(
    second: Path, run_with: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_with("episodes")
    assert main(["extract", str(second), "--run", str(run)]) == 2
    assert "of a round before this one: `wm run` makes it" in capsys.readouterr().err
    assert main(["train-vae", str(second), "--run", str(run)]) == 2
    assert "of a round before this one: `wm run` makes it" in capsys.readouterr().err


def test_the_recorded_agent_is_another_one_in_each_episode() -> None:
    parameters = np.arange(4.0)
    rows = scattered(parameters, 0.5, [3, 4, 3])
    np.testing.assert_array_equal(rows[0], rows[2])
    assert np.all(rows[0] != rows[1])
    np.testing.assert_array_equal(scattered(parameters, 0.0, [3, 4]), [parameters, parameters])
    many = scattered(parameters, 0.5, range(4000))
    np.testing.assert_allclose(many.mean(0), parameters, atol=0.05)
    np.testing.assert_allclose(many.std(0), 0.5, atol=0.03)


def test_a_spread_wants_an_agent(run_with: Callable[..., Path]) -> None:
    assert main(["extract", TINY, "--run", str(run_with()), "--agent-spread", "0.1"]) == 2


def test_a_round_cannot_come_before_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "loop.toml"
    path.write_text(f'extends = "{TINY}"\nprevious = "loop.toml"\n')
    assert main(["run", str(path), "--run", str(tmp_path / "run")]) == 2
    assert "names itself as the round before" in capsys.readouterr().err


def test_the_round_before_is_a_file_beside_the_config_or_a_shipped_name(tmp_path: Path) -> None:
    path, first = tmp_path / "second.toml", tmp_path / "first.toml"
    first.write_text(f'extends = "{TINY}"\n')
    path.write_text(f'extends = "{TINY}"\nprevious = "first.toml"\n')
    assert load_config(path).previous == str(first)
    path.write_text(f'extends = "{TINY}"\nprevious = "carracing-smoke"\n')
    assert load_config(path).previous == "carracing-smoke"


def test_m_sees_the_series_of_the_rounds_before_as_well(run_with: Callable[..., Path]) -> None:
    run = run_with("vae", "series")
    shutil.copytree(run / "series", run / "previous/series")
    assert main(["train-rnn", TINY, "--run", str(run), "--replay-rounds", "1"]) == 0
    facts = json.loads((run / "rnn/done").read_text())
    assert facts["episodes"] == 16  # eight of each
    settings = facts["settings"]
    assert settings["input:previous/series"] == settings["input:series"]


def test_a_round_that_is_not_there_cannot_be_replayed(
    run_with: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_with("vae", "series")
    assert main(["train-rnn", TINY, "--run", str(run), "--replay-rounds", "1"]) == 2
    said = capsys.readouterr().err
    assert f"--replay-rounds: there is no {run / 'previous/series'} of a round before" in said


def test_a_round_of_another_v_cannot_be_replayed(
    run_with: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_with("vae", "series")
    earlier = shutil.copytree(run / "series", run / "previous/series")
    facts = json.loads((earlier / "done").read_text())
    facts["settings"]["input:vae"] = "another"
    (earlier / "done").write_text(json.dumps(facts))
    assert main(["train-rnn", TINY, "--run", str(run), "--replay-rounds", "1"]) == 2
    assert "was encoded by another V" in capsys.readouterr().err
