"""A ViZDoom engine that lives in its own folder and dies with its owner."""

from __future__ import annotations

import ctypes
import os
import re
import shlex
import shutil
import sys
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from worldmodels.errors import AFTER_A_DEATH, EngineError
from worldmodels.worlds import engine_launcher, engine_locks

if TYPE_CHECKING:
    import vizdoom

_FOLDER_PREFIX = "worldmodels-vizdoom-"
_SHARED_MEMORY_KINDS = ("ViZDoomSM", *engine_locks.QUEUES)


class EngineProcess:
    """A running engine: a `vizdoom.DoomGame` with the process behind it.

    Its working folder is a private temporary one, so it writes nothing into the user's current
    folder and two engines share no file. It ends at `close`, when this object is collected, at
    interpreter exit and, on Linux, when its owner is killed in whatever way. What a killed owner
    leaves behind is removed when the next engine starts.
    """

    def __init__(self, game: vizdoom.DoomGame) -> None:
        """Start the engine of a configured `game` that was never started before.

        Raises EngineError if the engine ends while it starts.
        """
        import vizdoom

        _remove_leftovers()
        folder = Path(tempfile.mkdtemp(prefix=f"{_FOLDER_PREFIX}{os.getpid()}-"))
        self.game = game
        # Also covers interpreter exit, and holds no reference to self.
        self._end = weakref.finalize(self, _end, game, folder, _lock(folder), os.getpid())
        game.set_doom_config_path(str(folder / "_vizdoom.ini"))
        launcher = _write_launcher(folder, engine=Path(vizdoom.__file__).parent / "vizdoom")
        if launcher is not None:
            game.set_vizdoom_path(str(launcher))
        self.pid: int | None = None
        """The engine's process id; None where it was started without the launcher."""
        with self.answering():
            game.init()
        if launcher is not None:
            self.pid = int((folder / "engine").read_text().split()[0])
            engine_locks.free_when_killed(self.pid, game.get_instance_id())

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Turn what ViZDoom raises inside the block when the engine is gone into an EngineError."""
        import vizdoom

        try:
            yield
        except (
            vizdoom.ViZDoomErrorException,
            vizdoom.ViZDoomIsNotRunningException,
            vizdoom.ViZDoomUnexpectedExitException,
        ) as error:
            self.close()
            process = "" if self.pid is None else f" (process {self.pid})"
            raise EngineError(
                f"the ViZDoom engine{process} ended unexpectedly {AFTER_A_DEATH} A program of "
                f"your own resets the environment to start a new engine."
            ) from error

    @property
    def is_closed(self) -> bool:
        """Whether the engine was ended, by `close` or by its own death."""
        return not self._end.alive

    def close(self) -> None:
        """End the engine and remove its folder; a second call does nothing."""
        self._end()


def _end(game: vizdoom.DoomGame, folder: Path, lock: int | None, owner_pid: int) -> None:
    if os.getpid() != owner_pid:
        # A forked copy of the owner must not end the owner's engine. Nor may it ever run ViZDoom's
        # destructor, which waits for a thread that the fork did not copy: so keep the game alive.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(game))
        return
    game.close()
    shutil.rmtree(folder, ignore_errors=True)
    if lock is not None:
        os.close(lock)


def _write_launcher(folder: Path, engine: Path) -> Path | None:
    """Write the program that stands in for `engine`, or return None where it could not run.

    It is a shell script because the kernel refuses a `#!` line with a long path or one with
    spaces, which a path to Python may be. ViZDoom crashes the interpreter when the program it
    starts fails, hence the check (a temporary folder may be mounted noexec).
    """
    if os.name != "posix" or not sys.executable or not os.access(engine, os.X_OK):
        return None
    command = [sys.executable, "-I", "-S", engine_launcher.__file__]
    command += [str(os.getpid()), str(folder), str(engine)]
    launcher = folder / "launch"
    launcher.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
    launcher.chmod(0o700)
    return launcher if os.access(launcher, os.X_OK) else None


def _lock(folder: Path) -> int | None:
    """Mark `folder` as owned: the kernel lifts the mark when the owner dies, however it dies."""
    if sys.platform != "linux":
        return None
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def _remove_leftovers() -> None:
    """Remove the folders and shared memory of engines whose owners were killed (Linux only).

    A process id alone is no proof of death: a container sees other ids on the same disk. The
    lock is, and the id covers the moment between the making of a folder and its lock.
    """
    if sys.platform != "linux":
        return
    import fcntl

    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDER_PREFIX}*"):
        owner = re.match(rf"{_FOLDER_PREFIX}(\d+)-", folder.name)
        if owner is None or Path("/proc", owner[1]).exists():
            continue
        try:
            descriptor = os.open(folder, os.O_RDONLY)
        except OSError:  # another user's folder, or one that another process has just removed
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove_shared_memory(folder / "engine")
            shutil.rmtree(folder, ignore_errors=True)
        except OSError:  # locked: its owner lives
            pass
        finally:
            os.close(descriptor)


def _remove_shared_memory(note: Path) -> None:
    """Remove what the engine that wrote `note`, a line "PID INSTANCE", has left in /dev/shm."""
    written = re.fullmatch(r"\d+ (\w+)\n", note.read_text()) if note.exists() else None
    if written is not None:  # an engine killed at its start may have written no or half a note
        for kind in _SHARED_MEMORY_KINDS:
            (engine_locks.SHARED_MEMORY / f"{kind}{written[1]}").unlink(missing_ok=True)
