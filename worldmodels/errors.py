"""Errors that tell the user, in one sentence, what happened and what to do next."""

from __future__ import annotations

AFTER_A_DEATH = (
    "(killed, or out of memory): nothing that was finished is lost; repeat the command to go on, "
    "with fewer --workers if memory is short."
)
"""What is said after the name of a process that has died."""


class WorldModelsError(Exception):
    """A failure whose message is meant for the user; the command ends with exit code 1."""

    exit_code = 1


class UsageError(WorldModelsError):
    """A mistake in the command line or in a configuration; exit code 2."""

    exit_code = 2


class WorkerError(WorldModelsError):
    """A worker process failed; the message carries the worker's own traceback."""


class EngineError(WorldModelsError, RuntimeError):
    """The engine of a game ended by itself, or was ended."""


class Interrupted(WorldModelsError):  # noqa: N818 - it is not an error of the program
    """The user stopped a stage; everything needed to go on is on disk. Exit code 130, as in sh."""

    exit_code = 130


def is_out_of_memory(error: BaseException) -> bool:
    """Whether Python, NumPy or PyTorch (which has no class of its own for it) ran out of memory."""
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError)
        and ("out of memory" in str(error) or "can't allocate memory" in str(error))
    )
