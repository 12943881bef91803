"""What --dry-run prints agrees with what the command would do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import TINY

from worldmodels.cli import main
from worldmodels.stages.agents import ZOO


def test_dry_run_of_a_finished_run_says_so(
    finished_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", TINY, "--run", str(finished_run), "--dry-run"]) == 0
    assert capsys.readouterr().out.count("finished already") == 7


def test_dry_run_finds_what_the_real_run_would_refuse(
    run_with: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train-ctrl", TINY, "--run", str(run_with("vae", "rnn")), "--dry-run"]
    assert main([*words, "--patience", "5"]) == 2
    agent = str(ZOO / "doom")
    assert main(["eval", "carracing", "--agent", agent, "--dry-run"]) == 1
    assert "belongs to another agent or game" in capsys.readouterr().err


def test_dry_run_refuses_other_settings_than_the_stage_was_begun_with(
    run_with: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train-vae", TINY, "--run", str(run_with("episodes", "vae")), "--dry-run"]
    assert main([*words, "--batch-size", "8"]) == 1
    assert "was begun with --batch-size 16, not with --batch-size 8" in capsys.readouterr().err


def test_dry_run_of_one_stage_says_what_has_to_come_first(
    run_with: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_with("vae")
    assert main(["train-ctrl", TINY, "--run", str(run), "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert f"{run / 'rnn'} does not exist: run `wm train-rnn {TINY} --run {run}`" in lines[0]
    assert "search C for" in lines[1]


def test_dry_run_does_not_promise_that_a_finished_recording_is_undamaged(
    finished_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["extract", TINY, "--run", str(finished_run), "--dry-run"]) == 0
    assert "lost or damaged is made again" in capsys.readouterr().out


@pytest.mark.parametrize("stage", ["extract", "encode"])
def test_dry_run_finds_what_does_not_belong_to_the_episodes(
    stage: str, run_with: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_with("episodes", "vae", "series")
    (run / "episodes" / "000099.npz").mkdir()
    assert main([stage, TINY, "--run", str(run), "--dry-run"]) == 1
    assert "000099.npz. Move away what does not belong there." in capsys.readouterr().err


def test_dry_run_notices_that_a_finished_stage_has_lost_its_input(
    run_with: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_with("vae", "series", "rnn")
    (run / "series" / "000001.npz").unlink()
    assert main(["train-rnn", TINY, "--run", str(run), "--dry-run"]) == 0
    assert "has only 2 of its 3 files: run `wm encode" in capsys.readouterr().out


def test_dry_run_says_what_goes_on_and_what_is_replaced(
    run_with: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_with("vae", "series", "rnn", "ctrl", "eval")
    assert main(["train-rnn", TINY, "--run", str(run), "--num-steps", "50", "--dry-run"]) == 0
    assert f"go on in {run / 'rnn'}" in capsys.readouterr().out
    assert main(["eval", TINY, "--run", str(run), "--seed", "5", "--dry-run"]) == 0
    assert f"replace {run / 'eval'}" in capsys.readouterr().out
    assert (run / "eval" / "done").exists()


def test_dry_run_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", TINY, "--run", str(tmp_path / "run"), "--dry-run"]) == 0
    assert not (tmp_path / "run").exists()
    assert "train-ctrl" in capsys.readouterr().out
