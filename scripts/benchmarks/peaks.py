"""The peak memory of a command and of all processes that it starts, on Linux."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from worldmodels.errors import WorldModelsError

EVERY_S = 0.2
STOPPED = 130  # exit code of a stage that was asked to stop, and has saved


@dataclass(frozen=True)
class Peak:
    """The most memory that a stage needed."""

    stage: str
    episodes: int  # in the data set
    largest_mib: int  # resident, of the process that needed most
    together_mib: int  # of all processes at one moment; what they share counts once
    what: str  # was run


@dataclass(frozen=True)
class Watched:
    """A command that has ended."""

    largest_mib: int
    together_mib: int
    said: str  # on standard error


def watch(command: Sequence[str], log: Path, stop_after_s: float | None = None) -> Watched:
    """Run a command to its end, or stop it after a while as Ctrl-C would.

    Raises WorldModelsError if it fails, and where memory cannot be read.
    """
    if sys.platform != "linux":
        raise WorldModelsError("peak memory is read from /proc: run the row `memory` on Linux.")
    largest_kib = together_kib = 0
    began, asked = time.monotonic(), False
    with log.open("w") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file)
        try:
            while process.poll() is None:
                family = list(_family(process.pid))
                largest_kib = max([largest_kib, *(_kib(pid, "status", "VmHWM") for pid in family)])
                sizes = (_kib(pid, "smaps_rollup", "Pss") for pid in family)
                together_kib = max(together_kib, sum(sizes))
                if stop_after_s is not None and time.monotonic() - began > stop_after_s:
                    if not asked:
                        process.send_signal(signal.SIGINT)
                    asked = True
                time.sleep(EVERY_S)
        finally:
            process.kill()
    said = log.read_text()
    if process.returncode != 0 and not (asked and process.returncode == STOPPED):
        raise WorldModelsError(f"{' '.join(command)} failed:\n{said}")
    return Watched(largest_kib // 1024, together_kib // 1024, said)


def _family(root: int) -> Iterator[int]:
    """The ids of a process and of all its descendants."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name of the command, in brackets, may itself contain brackets and blanks.
            parent = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has ended meanwhile
            continue
        children.setdefault(parent, []).append(int(path.parent.name))
    todo = [root]
    while todo:
        pid = todo.pop()
        yield pid
        todo += children.get(pid, [])


def _kib(pid: int, file: str, key: str) -> int:
    """A number of KiB from a file of a process; 0 once that has ended."""
    try:
        for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
            if line.startswith(f"{key}:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0
