"""What machine this is, and how much of it is used."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import resource
import sys
from pathlib import Path


def usable_cores() -> int:
    """The cores that this process may run on."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor() -> str:
    """The name of the processor."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def describe() -> str:
    """The processor, its usable cores and the memory, in a line."""
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{processor()}, {usable_cores()} cores, {memory_gib:.0f} GiB"


def peak_memory_mib() -> int:
    """The most memory that this process had in use since `reset_peak_memory`, in MiB."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) // 1024
    scale = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // scale


def reset_peak_memory() -> None:
    """Begin to measure `peak_memory_mib` anew, where the system can (Linux)."""
    with contextlib.suppress(OSError):  # not in every container
        Path("/proc/self/clear_refs").write_text("5")


def keep_freed_memory() -> None:
    """Let this process use freed memory again, which glibc hands back to the system at once.

    A training step allocates and frees the same tensors over and over: to be given fresh pages
    for them took up to a quarter of its time. What is larger than 32 MiB is still handed back.
    """
    if sys.platform == "linux" and platform.libc_ver()[0] == "glibc":
        trim_threshold, mmap_threshold = -1, -3  # mallopt(3)
        libc = ctypes.CDLL(None)
        libc.mallopt(mmap_threshold, 32 << 20)
        libc.mallopt(trim_threshold, 1 << 30)
