"""`wm train-ctrl --whiten`: a search in coordinates that the recorded episodes suggest."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import TINY

from worldmodels.cli import main
from worldmodels.data.weights import load_controller

TIMES = ("elapsed_s", "steps_per_s")


def search(run: Path, *more: str) -> int:
    """Search C in whitened coordinates."""
    return main(["train-ctrl", TINY, "--run", str(run), "--whiten", *more])


def history(run: Path) -> list[dict]:
    """The search's log, without the clock."""
    lines = (run / "ctrl" / "history.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k not in TIMES} for line in lines]


def test_interrupted_it_ends_where_it_would_have_whatever_the_workers(
    run_with: Callable[..., Path], tmp_path: Path
) -> None:
    inputs = ("--inputs-from", str(run_with("vae", "rnn", "series")))
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert search(whole, *inputs, "--workers", "1") == 0
    assert search(parts, *inputs, "--workers", "2", "--generations", "3") == 0
    assert search(parts, *inputs, "--workers", "1") == 0
    assert history(whole) == history(parts)
    ends = [load_controller(run / "ctrl").parameters for run in (whole, parts)]
    np.testing.assert_array_equal(*ends)


def test_it_goes_on_from_where_another_search_was(
    finished_run: Path, run_with: Callable[..., Path]
) -> None:
    run = run_with("vae", "rnn", "series")
    # With hardly any spread, the candidates are what the search began with.
    assert search(run, "--start", str(finished_run), "--sigma", "1e-9", "--generations", "3") == 0
    began, ended = (load_controller(r / "ctrl").parameters for r in (finished_run, run))
    np.testing.assert_allclose(began, ended, atol=1e-5)


def test_it_needs_the_recorded_episodes(
    run_with: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert search(run_with("vae", "rnn")) != 0
    assert "wm encode" in capsys.readouterr().err


def test_it_is_for_a_linear_controller(
    run_with: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert search(run_with("vae", "rnn", "series"), "--hidden", "4") == 2
    assert "--whiten is for a linear C" in capsys.readouterr().err
