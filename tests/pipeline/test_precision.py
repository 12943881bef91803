"""`--precision bfloat16`: M while it is trained, V and M while C is searched."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import TINY

from worldmodels.cli import main
from worldmodels.data.weights import load_controller
from worldmodels.evolution import fitness
from worldmodels.models import encoder
from worldmodels.models.bfloat16 import Bfloat16Encoder, Bfloat16Rnn

TIMES = ("elapsed_s", "steps_per_s")


def search(run: Path, inputs: Path, *more: str) -> int:
    """Search C with V and M of `inputs` in bfloat16."""
    where = ("--run", str(run), "--inputs-from", str(inputs))
    return main(["train-ctrl", TINY, *where, "--precision", "bfloat16", *more])


def history(run: Path) -> list[dict]:
    """The search's log, without the clock."""
    lines = (run / "ctrl" / "history.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k not in TIMES} for line in lines]


def test_interrupted_it_ends_where_it_would_have_whatever_the_workers(
    run_with: Callable[..., Path], tmp_path: Path
) -> None:
    inputs = run_with("vae", "rnn")
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert search(whole, inputs, "--workers", "1") == 0
    assert search(parts, inputs, "--workers", "2", "--generations", "3") == 0
    assert search(parts, inputs, "--workers", "1") == 0
    assert history(whole) == history(parts)
    ends = [load_controller(run / "ctrl").parameters for run in (whole, parts)]
    np.testing.assert_array_equal(*ends)


def test_m_learns_as_much_in_it(run_with: Callable[..., Path], tmp_path: Path) -> None:
    """After few steps, rounding is all that the losses differ by."""
    inputs, losses = run_with("vae", "series"), {}
    for precision in ("float32", "bfloat16"):
        run = tmp_path / precision
        where = ("--run", str(run), "--inputs-from", str(inputs))
        assert main(["train-rnn", TINY, *where, "--precision", precision]) == 0
        rows = (run / "rnn" / "metrics.jsonl").read_text().splitlines()
        losses[precision] = [json.loads(row)["validation_loss"] for row in rows]
    assert losses["bfloat16"] != losses["float32"]
    np.testing.assert_allclose(losses["bfloat16"], losses["float32"], rtol=0.02)


@pytest.fixture
def rounding(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What has been made in bfloat16 in this process."""
    made: list[str] = []

    class Encoder(Bfloat16Encoder):
        def __init__(self, *given: Any) -> None:
            made.append("V")
            super().__init__(*given)

    class Memory(Bfloat16Rnn):
        def __init__(self, *given: Any) -> None:
            made.append("M")
            super().__init__(*given)

    monkeypatch.setattr(encoder, "Bfloat16Encoder", Encoder)
    monkeypatch.setattr(fitness, "Bfloat16Rnn", Memory)
    return made


def test_candidates_are_played_in_it_but_not_scored(
    run_with: Callable[..., Path], tmp_path: Path, rounding: list[str]
) -> None:
    run = run_with("vae", "rnn")
    assert search(run, run, "--workers", "1", "--generations", "3") == 0
    assert set(rounding) == {"V", "M"}
    rounding.clear()
    assert main(["eval", TINY, "--run", str(run), "--workers", "1"]) == 0
    assert rounding == []
