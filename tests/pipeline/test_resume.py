"""Interrupted by SIGKILL and repeated equals uninterrupted, bit for bit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import TINY, call, command, kill_when
from safetensors.torch import load_file

from worldmodels.data.weights import load_controller

TIMES = ("elapsed_s", "steps_per_s")


def rows(path: Path) -> list[dict[str, Any]]:
    """The lines of a log without what depends on the clock; a torn last line is left out."""
    if not path.exists():
        return []
    text = path.read_text()
    whole = text[: text.rfind("\n") + 1]
    return [
        {key: value for key, value in json.loads(line).items() if key not in TIMES}
        for line in whole.splitlines()
    ]


@pytest.mark.parametrize(
    ("stage", "artifact", "more"),
    [
        ("train-vae", "vae", ["--epochs", "4", "--report-every", "4"]),
        ("train-rnn", "rnn", ["--num-steps", "200"]),
        ("train-rnn", "rnn", ["--num-steps", "200", "--precision", "bfloat16"]),
        ("train-rnn", "rnn", ["--num-steps", "200", "--sampling", "episodes"]),
    ],
)
def test_killed_training_of_a_network_ends_as_if_never_killed(
    stage: str, artifact: str, more: list[str], run_with: Callable[..., Path], tmp_path: Path
) -> None:
    inputs = ["episodes"] if artifact == "vae" else ["vae", "series"]
    run = run_with(*inputs)
    whole = tmp_path / "whole"
    for name in inputs:
        (whole / name).parent.mkdir(exist_ok=True)
        (whole / name).symlink_to(run / name)
    arguments = [stage, TINY, "--checkpoint-s", "0", *more]
    assert call(command(*arguments, "--run", str(whole))).returncode == 0
    parts = command(*arguments, "--run", str(run))
    log = run / artifact / "metrics.jsonl"
    kill_when(parts, lambda: len(rows(log)) >= 3 and (run / artifact / "latest.ckpt").exists())
    assert not (run / artifact / "done").exists()
    again = call(parts)
    assert again.returncode == 0
    assert "going on from step" in again.stderr
    one, other = (load_file(r / artifact / "model.safetensors") for r in (whole, run))
    for name, weight in one.items():
        torch.testing.assert_close(other[name], weight, rtol=0, atol=0)
    assert rows(log) == rows(whole / artifact / "metrics.jsonl")


def test_killed_search_ends_as_if_never_killed(
    run_with: Callable[..., Path], tmp_path: Path
) -> None:
    run = run_with("vae", "rnn")
    whole = tmp_path / "whole"
    for name in ("vae", "rnn"):
        (whole / name).parent.mkdir(exist_ok=True)
        (whole / name).symlink_to(run / name)
    arguments = ["train-ctrl", TINY, "--workers", "1", "--generations", "16", "--curriculum", "9,2"]
    assert call(command(*arguments, "--run", str(whole))).returncode == 0
    parts = command(*arguments, "--run", str(run))
    log = run / "ctrl" / "history.jsonl"
    kill_when(parts, lambda: len(rows(log)) >= 4)
    assert not (run / "ctrl" / "done").exists()
    again = call(parts)
    assert again.returncode == 0
    assert "going on from generation" in again.stderr
    assert rows(log) == rows(whole / "ctrl" / "history.jsonl")
    one, other = (load_controller(r / "ctrl").parameters for r in (whole, run))
    np.testing.assert_array_equal(one, other)


def test_units_of_a_killed_generation_are_not_played_again(
    run_with: Callable[..., Path], tmp_path: Path
) -> None:
    run = run_with("vae", "rnn")
    arguments = ["train-ctrl", TINY, "--workers", "1", "--unit-episodes", "1"]
    more = ["--population", "16", "--episodes", "4", "--generations", "1"]
    parts = command(*arguments, *more, "--run", str(run))
    journal = run / "ctrl" / "playing.jsonl"
    kill_when(parts, lambda: len(rows(journal)) >= 10)
    played = rows(journal)
    again = call(parts, TINY_PLAYED=str(tmp_path / "played"))
    assert again.returncode == 0
    evaluation = 4
    assert len((tmp_path / "played").read_text()) <= 16 * 4 - len(played) + evaluation
    assert journal.read_text() == ""


def test_killed_recording_keeps_what_is_recorded_and_ends_the_same(
    finished_run: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    parts = command("extract", TINY, "--run", str(run), "--workers", "1", "--episodes", "120")
    kill_when(parts, lambda: len(list((run / "episodes").glob("0*.npz"))) >= 5)
    recorded = {p: p.stat().st_mtime_ns for p in (run / "episodes").glob("0*.npz")}
    assert call(parts).returncode == 0
    assert len(list((run / "episodes").glob("*.npz"))) == 120
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in recorded.items())
    for path in (finished_run / "episodes").glob("*.npz"):
        assert (run / "episodes" / path.name).read_bytes() == path.read_bytes()


def test_control_c_saves_and_says_so(run_with: Callable[..., Path]) -> None:
    import signal
    import subprocess
    import time

    from conftest import environment

    run = run_with("vae", "series")
    arguments = command("train-rnn", TINY, "--run", str(run), "--num-steps", "100000")
    process = subprocess.Popen(arguments, env=environment(), stderr=subprocess.PIPE, text=True)
    while not rows(run / "rnn" / "metrics.jsonl"):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Repeat the command to go on" in said
    assert (run / "rnn" / "latest.ckpt").exists()
