"""Failures of a command as one sentence on standard error and an exit code."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Callable

from worldmodels.errors import WorldModelsError, is_out_of_memory

MOST_FOR_A_SENTENCE = 400  # characters of an unexpected error's own words
RESUMABLE = "stopped; repeat the command to go on."  # of an interrupted stage


def guarded(work: Callable[[], None], debug: bool, stopped: str = RESUMABLE) -> int:
    """Do the work; a failure becomes a sentence on standard error and an exit code.

    `stopped` is what is said of an interruption.
    """
    try:
        work()
    except WorldModelsError as error:
        return _complain(str(error), error.exit_code, debug)
    except KeyboardInterrupt:
        return _complain(stopped, 130, debug)
    except BrokenPipeError:  # the reader of our output has left, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return _complain(_said_of(error), 1, debug)
    except Exception as error:
        if is_out_of_memory(error):
            text = "out of memory: lower --slots or --batch-size, or use fewer --workers."
            return _complain(text, 1, debug)
        said = f"{type(error).__name__}: {error}"[:MOST_FOR_A_SENTENCE]
        return _complain(f"unexpected failure: {said} (--debug shows where)", 1, debug)
    return 0


def abort_other_ranks(code: int) -> None:
    """Under mpiexec a failure of one rank ends them all, at once."""
    from worldmodels.evolution.pool import abort_mpi

    if code != 0:
        abort_mpi(code)


def _complain(text: str, code: int, debug: bool) -> int:
    """Say what went wrong, once even if many ranks have found out; returns `code`."""
    from worldmodels.evolution.pool import launched_rank

    if debug:
        traceback.print_exc()
    if launched_rank() == 0 or code == 1:
        print(f"wm: {text}", file=sys.stderr, flush=True)
    return code


def _said_of(error: OSError) -> str:
    """What a failure of the file system means for the user."""
    place = error.filename2 or error.filename  # of a copy the second is the one that is written
    where = f" at {place}" if place else ""
    if error.errno == errno.ENOSPC:
        return f"the disk is full{where}: free some space and repeat the command."
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return "too many open files: raise the limit with `ulimit -n 4096`, or use fewer --workers."
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return f"no permission to write{where}: choose another folder with --run."
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return f"{place} cannot be made because it or a part of it is a file: choose a folder."
    return f"{error.strerror or error}{where}."
