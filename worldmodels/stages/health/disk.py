"""Whether there is room for files, and permission to write them."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from worldmodels.stages.health.finding import Finding

MIB, GIB = 2**20, 2**30
LITTLE_ROOM = 20 * GIB  # the paper's 10,000 episodes of CarRacing take about as much
NO_ROOM = 1 * GIB
LITTLE_SHARED_MEMORY = 64 * MIB  # each ViZDoom engine takes about one MiB
LITTLE_TEMPORARY_ROOM = 256 * MIB
SHARED_MEMORY = Path("/dev/shm")


def run_folder(run: Path) -> Finding:
    """Whether a run of the pipeline could be written to `run`, which need not exist."""
    home = _existing(run.absolute())
    elsewhere = "choose a folder on another disk with `--run DIR`"
    problem = _writing_problem(home)
    if problem:
        return Finding("FAIL", f"{home} cannot be written to: {problem}", elsewhere)
    free = shutil.disk_usage(home).free
    text = f"{free / GIB:.1f} GiB free at {home}, which is writable"
    if free < NO_ROOM:
        return Finding("FAIL", text, f"free some space, or {elsewhere}")
    if free < LITTLE_ROOM:
        return Finding(
            "warn", f"{text}; the paper's settings take about {LITTLE_ROOM / GIB:.0f}", elsewhere
        )
    return Finding("ok", text)


def temporary_folder() -> Finding:
    """Whether programs can put their temporary files somewhere."""
    remedy = "name a folder with room: `export TMPDIR=/path/to/folder`"
    try:
        home = Path(tempfile.gettempdir())
    except FileNotFoundError as error:
        return Finding("FAIL", str(error), remedy)
    problem = _writing_problem(home)
    if problem:
        return Finding("FAIL", f"{home} cannot be written to: {problem}", remedy)
    free = shutil.disk_usage(home).free
    text = f"{_size(free)} free at {home}"
    return Finding("warn", text, remedy) if free < LITTLE_TEMPORARY_ROOM else Finding("ok", text)


def shared_memory() -> Finding:
    """Whether there is shared memory, through which ViZDoom hands over its pictures."""
    if not SHARED_MEMORY.is_dir():
        return Finding("ok", f"this system has no {SHARED_MEMORY}")
    free = shutil.disk_usage(SHARED_MEMORY).free
    text = f"{_size(free)} free at {SHARED_MEMORY}"
    if free < LITTLE_SHARED_MEMORY:
        return Finding(
            "warn",
            f"{text}: too little for many games of ViZDoom at once",
            f"`mount -o remount,size=1g {SHARED_MEMORY}`, or start it with "
            "`docker run --shm-size=1g`",
        )
    return Finding("ok", text)


def _existing(path: Path) -> Path:
    """The nearest of `path` and its parents that exists."""
    return next(place for place in (path, *path.parents) if place.exists())


def _writing_problem(folder: Path) -> str:
    """Why no file can be made in `folder`; empty if it can, which is tried."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".wm-doctor-") as file:
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _size(free: int) -> str:
    return f"{free / GIB:.1f} GiB" if free >= GIB else f"{free / MIB:.0f} MiB"
