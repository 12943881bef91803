"""The result does not depend on who did the work, and no fault of a worker leaves a hang."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import TINY, call, command, environment, mpi_command
from test_resume import rows

from worldmodels.cli import main

SEARCH = ["train-ctrl", TINY, "--generations", "3"]


def ways(*arguments: str) -> dict[str, list[str]]:
    """A command by itself, with processes, and with MPI ranks."""
    return {
        "serial": command(*arguments, "--workers", "1"),
        "processes": command(*arguments, "--workers", "2"),
        "mpi": mpi_command(3, *arguments),
    }


def history(run: Path) -> list[dict]:
    return rows(run / "ctrl" / "history.jsonl")


def test_serial_processes_and_mpi_ranks_give_the_same_fitness(
    finished_run: Path, run_with: Callable[..., Path]
) -> None:
    run = run_with("vae", "rnn")
    expected = history(finished_run)[:3]
    for how in ("processes", "mpi"):
        result = call(ways(*SEARCH, "--run", str(run))[how])
        assert result.returncode == 0, result.stderr
        assert history(run) == expected
        shutil.rmtree(run / "ctrl")


def test_recording_under_mpi_equals_recording_alone(finished_run: Path, tmp_path: Path) -> None:
    result = call(mpi_command(3, "extract", TINY, "--run", str(tmp_path / "run")))
    assert result.returncode == 0, result.stderr
    for path in (finished_run / "episodes").glob("*.npz"):
        assert (tmp_path / "run" / "episodes" / path.name).read_bytes() == path.read_bytes()


def test_recording_side_by_side_equals_recording_one_by_one(
    finished_run: Path, tmp_path: Path
) -> None:
    arguments = ["extract", TINY, "--run", str(tmp_path / "run"), "--workers", "1", "--slots", "1"]
    assert main(arguments) == 0
    for path in (finished_run / "episodes").glob("*.npz"):
        assert (tmp_path / "run" / "episodes" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("how", ["serial", "processes", "mpi"])
def test_a_worker_that_raises_ends_the_command_with_its_traceback(
    how: str, run_with: Callable[..., Path]
) -> None:
    run = run_with("vae", "rnn")
    result = call(ways(*SEARCH, "--run", str(run))[how], TINY_FAULT="raise")
    assert result.returncode != 0
    assert "the dot fell off the edge of the world" in result.stderr
    assert "tiny_game.py" in result.stderr


@pytest.mark.parametrize("how", ["serial", "processes", "mpi"])
@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("full disk", "wm: the disk is full at /the/disk: free some space"),
        ("memory", "wm: out of memory: lower --slots"),
    ],
)
def test_a_fault_that_has_a_sentence_needs_no_traceback(
    fault: str, sentence: str, how: str, run_with: Callable[..., Path]
) -> None:
    run = run_with("vae", "rnn")
    result = call(ways(*SEARCH, "--run", str(run))[how], TINY_FAULT=fault)
    assert result.returncode != 0
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("how", ["processes", "mpi"])
def test_a_worker_that_is_killed_ends_the_command(how: str, run_with: Callable[..., Path]) -> None:
    run = run_with("vae", "rnn")
    began = time.monotonic()
    result = call(ways(*SEARCH, "--run", str(run))[how], TINY_FAULT="kill")
    assert result.returncode != 0
    assert time.monotonic() - began < 60
    if how == "processes":
        assert "worker process died" in result.stderr


def test_workers_end_when_their_owner_is_killed(run_with: Callable[..., Path]) -> None:
    run = run_with("vae", "rnn")
    arguments = command(*SEARCH[:2], "--run", str(run), "--workers", "2", "--generations", "100000")
    process = subprocess.Popen(
        arguments, env=environment(), stderr=subprocess.DEVNULL, start_new_session=True
    )
    while len(history(run)) < 2:
        time.sleep(0.02)
    workers = children_of(process.pid)
    assert len(workers) >= 2
    process.kill()
    process.wait()
    deadline = time.monotonic() + 20
    while any(map(is_running, workers)):
        assert time.monotonic() < deadline, "a worker outlived its owner"
        time.sleep(0.05)


def children_of(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_control_c_ends_a_search_with_processes(run_with: Callable[..., Path]) -> None:
    run = run_with("vae", "rnn")
    arguments = command(*SEARCH[:2], "--run", str(run), "--workers", "2", "--generations", "100000")
    process = subprocess.Popen(
        arguments, env=environment(), stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    while len(history(run)) < 2:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does it: the workers get it too
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said.splitlines()[-1] == "wm: stopped; repeat the command to go on."


def test_an_mpiexec_of_another_make_is_noticed(tmp_path: Path) -> None:
    # What Open MPI's mpiexec would tell a process whose mpi4py has loaded MPICH.
    result = call(
        command("extract", TINY, "--run", str(tmp_path)),
        OMPI_COMM_WORLD_SIZE="3",
        OMPI_COMM_WORLD_RANK="0",
    )
    assert result.returncode == 2
    assert "different makes" in result.stderr
    assert not list(tmp_path.iterdir())
