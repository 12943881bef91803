"""Freeing what a killed ViZDoom engine has locked.

The engine and its owner talk through two queues in shared memory, and both lock them several
times a tic. One kill in thirty hits an engine that holds a lock: its owner would wait for ever, in
a place that even Ctrl-C does not reach, and so would the thread in which ViZDoom tells of the end.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import select
import struct
import threading
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")
QUEUES = ("ViZDoomMQCtr", "ViZDoomMQDoom")  # names of message queues of Boost.Interprocess
MUTEX_AT = 0x30  # in a queue: a pthread_mutex_t of glibc, which is the lock, a count ...
HOLDER_AT = MUTEX_AT + 8  # ... and the thread that holds it


def free_when_killed(pid: int, instance: str) -> None:
    """Watch engine `pid` in the background; when it ends, unlock what it had locked.

    `instance` is the suffix of the names of its shared memory. Linux only.
    """
    if not hasattr(os, "pidfd_open"):
        return
    try:
        queues = [_mapped(SHARED_MEMORY / f"{name}{instance}") for name in QUEUES]
        engine = os.pidfd_open(pid)
    except OSError:  # Linux before 5.3, or a sandbox: a game that may hang beats none
        return
    threading.Thread(target=_free, args=(engine, pid, queues), daemon=True).start()


def _mapped(path: Path) -> mmap.mmap:
    with path.open("r+b") as file:
        return mmap.mmap(file.fileno(), 0)


def _free(engine: int, pid: int, queues: list[mmap.mmap]) -> None:
    end = select.poll()
    end.register(engine, select.POLLIN)
    end.poll()
    os.close(engine)
    for queue in queues:
        (holder,) = struct.unpack_from("i", queue, HOLDER_AT)
        if holder == pid:
            mutex = ctypes.c_char.from_buffer(queue, MUTEX_AT)
            ctypes.CDLL(None).pthread_mutex_unlock(ctypes.byref(mutex))  # glibc lets anyone do so
