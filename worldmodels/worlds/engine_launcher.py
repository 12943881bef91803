"""Become a ViZDoom engine: the program that `engine_process` starts in the engine's place.

Called as `python engine_launcher.py OWNER_PID FOLDER ENGINE ENGINE_ARGUMENTS...`. It needs the
standard library only, and imports little, since every start of an engine waits for it.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with(owner_pid: int) -> None:
    """Have Linux kill this process, also after `exec`, when the one that started it is gone.

    Linux watches the thread that forked. In ViZDoom that is a thread of its own that waits for
    the engine to end, so a Python thread may start an engine and finish before it.
    """
    import ctypes

    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        return  # forbidden, say by a sandbox: an engine that may outlive its owner beats none
    if os.getppid() != owner_pid:
        sys.exit(1)  # the owner died before the request was in place


def main(owner_pid: int, folder: str, engine: str, arguments: list[str]) -> None:
    """Note this process in `FOLDER/engine`, then replace it by the engine, at home in the folder.

    The note is a line "PID INSTANCE", INSTANCE being the suffix of the names of the engine's
    shared memory.
    """
    if sys.platform == "linux":
        os.setsid()  # Ctrl-C in the terminal goes to the owner, which then closes the engine
        die_with(owner_pid)
    os.chdir(folder)
    instance = arguments[arguments.index("+viz_instance_id") + 1]
    Path("engine").write_text(f"{os.getpid()} {instance}\n")
    os.execv(engine, [engine, *arguments])


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4:])
