"""Whether this machine has cores and memory to spare."""

from __future__ import annotations

import os
from pathlib import Path

from worldmodels.machine import usable_cores
from worldmodels.stages.health import cgroup
from worldmodels.stages.health.finding import Finding

GIB = 2**30
LITTLE_MEMORY = 4 * GIB
MEMINFO = Path("/proc/meminfo")


def cores() -> Finding:
    """How many cores this process may use, and whether it will notice."""
    total, usable = os.cpu_count() or 1, usable_cores()
    limit = cgroup.cpu_limit()
    if limit is not None and limit < usable:
        return Finding(
            "warn",
            f"{usable} cores are visible, but this container gets the time of only {limit:g}",
            f"more processes than that slow each other down: add `--workers {max(1, int(limit))}`",
        )
    return Finding("ok", f"{usable} usable" + (f" of {total}" if total != usable else ""))


def load() -> Finding:
    """Whether other programs are using the cores."""
    average, usable = os.getloadavg()[0], usable_cores()
    text = f"{average:.1f} processes busy on {usable} cores in the last minute"
    if average > usable:
        return Finding(
            "warn",
            f"{text}: timings will suffer",
            "`top` shows which programs are busy; results do not depend on it",
        )
    return Finding("ok", text)


def memory() -> Finding:
    """Whether there is memory for the frames of a run and for a few workers."""
    total, available = _memory()
    text = f"{available / GIB:.1f} GiB available of {total / GIB:.1f}"
    limit = cgroup.memory_limit()
    if limit is not None and limit[0] < total:
        available = min(available, limit[1])
        text = f"{available / GIB:.1f} GiB available of this container's {limit[0] / GIB:.1f}"
    if available < LITTLE_MEMORY:
        return Finding(
            "warn",
            text,
            "close other programs, use the -laptop or -smoke configs, or fewer `--workers`",
        )
    return Finding("ok", text)


def _memory() -> tuple[int, int]:
    """The machine's memory in bytes: in all, and available."""
    if not MEMINFO.exists():
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return total, total  # macOS has no simple word for what is available
    sizes = dict(line.split(":", 1) for line in MEMINFO.read_text().splitlines())
    total, available = (int(sizes[name].split()[0]) for name in ("MemTotal", "MemAvailable"))
    return total << 10, available << 10
