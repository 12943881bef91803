"""The limits that a container or a batch system sets to this process (Linux control groups)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def cpu_limit() -> float | None:
    """How many cores' worth of time this process may use; None without a limit."""
    limits = []
    for folder in _groups("cpu"):
        words = _read(folder / "cpu.max").split()  # version 2: "QUOTA PERIOD" in microseconds
        if not words:
            words = [_read(folder / f"cpu.cfs_{name}_us") for name in ("quota", "period")]
        quota, period = map(_number, words)
        if quota is not None and quota > 0 and period:  # version 1 writes -1 for no limit
            limits.append(quota / period)
    return min(limits, default=None)


def memory_limit() -> tuple[int, int] | None:
    """The tightest memory limit and what is left of it, both in bytes; None without a limit."""
    limits = []
    for folder in _groups("memory"):
        for limit_file, used_file, cache_name in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            limit, used = (_number(_read(folder / name)) for name in (limit_file, used_file))
            if limit is not None and used is not None:
                # Cached files count as used, but the kernel gives them up when asked.
                limits.append((limit, limit - used + _cached(folder, cache_name)))
    return min(limits, key=lambda pair: pair[1], default=None)


def _groups(controller: str) -> Iterator[Path]:
    """The folders of this process's groups and of all above them, in both versions of cgroups.

    A limit of any of them holds. A container often sees only the topmost one.
    """
    for line in _read(MEMBERSHIP).splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            top = ROOT
        elif controller in controllers.split(","):
            top = ROOT / controller
        else:
            continue
        group = Path(path.lstrip("/"))
        yield from (top / part for part in (group, *group.parents))


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:  # no such group, or not Linux
        return ""


def _number(text: str) -> int | None:
    """The number in a file of the kernel; None for "max" and for an empty one."""
    return int(text) if text.lstrip("-").isdigit() else None


def _cached(folder: Path, name: str) -> int:
    words = (line.split() for line in _read(folder / "memory.stat").splitlines())
    return next((int(value) for key, value in words if key == name), 0)
