"""A finished run of the tiny game, and commands in processes of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from worldmodels.cli import main

HERE = Path(__file__).parent
TINY = str(HERE / "tiny.toml")
sys.path.insert(0, str(HERE))  # where the tiny game is found


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder in which every stage is finished. Read only: copy it to change it."""
    run = tmp_path_factory.mktemp("tiny") / "run"
    assert main(["run", TINY, "--run", str(run), "--workers", "1"]) == 0
    return run


@pytest.fixture
def run_with(finished_run: Path, tmp_path: Path) -> Callable[..., Path]:
    """Makes a run folder of the test's own with copies of the named artifacts."""

    def copy(*names: str) -> Path:
        run = tmp_path / "run"
        for name in names:
            shutil.copytree(finished_run / name, run / name)
        return run

    return copy


def environment(**more: str) -> dict[str, str]:
    """What a process needs to find the tiny game."""
    return {**os.environ, "PYTHONPATH": str(HERE), "OMP_NUM_THREADS": "1", **more}


def command(*arguments: str) -> list[str]:
    """`wm` in a process of its own."""
    return [sys.executable, "-m", "worldmodels", *arguments]


def mpi_command(ranks: int, *arguments: str) -> list[str]:
    """`mpiexec -n RANKS wm`, with the mpiexec that belongs to this Python."""
    return [str(Path(sys.executable).with_name("mpiexec")), "-n", str(ranks), *command(*arguments)]


def call(arguments: list[str], **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, within two minutes."""
    return subprocess.run(
        arguments, env=environment(**more), capture_output=True, text=True, timeout=120, check=False
    )


def kill_when(arguments: list[str], ready: Callable[[], bool]) -> None:
    """Start a command and send it SIGKILL as soon as `ready()`, which must come before its end."""
    process = subprocess.Popen(
        arguments, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 100
    while not ready():
        assert process.poll() is None, "the command ended before it could be killed"
        assert time.monotonic() < deadline, "the command never got ready to be killed"
        time.sleep(0.005)
    process.kill()
    process.wait()
