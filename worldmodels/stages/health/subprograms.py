"""Trying something in a process of its own, which may crash or hang without harm."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from worldmodels.stages.health.finding import shortened


@dataclass(frozen=True)
class Outcome:
    """How a process ended, and what it wrote."""

    code: int | None  # None: it was stopped for taking too long; -N: signal N ended it
    output: str
    errors: str
    timeout_s: float

    @property
    def failure(self) -> str:
        """What went wrong, in a few words; empty if nothing did."""
        if self.code == 0:
            return ""
        if self.code is None:
            return f"did not end within {self.timeout_s:g} s"
        if self.code < 0:
            return f"crashed ({_signal_name(-self.code)})"
        lines = [line for line in self.errors.splitlines() if line.strip()]
        return shortened(lines[-1]) if lines else f"ended with exit code {self.code}"


def attempt(command: Sequence[str], timeout_s: float) -> Outcome:
    """Run `command` and return how it ended. Raises OSError if it cannot be started."""
    # A session of its own, so that all that the command has started can be ended with it.
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        output, errors = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        _end(process)
        return Outcome(None, "", "", timeout_s)
    except BaseException:
        _end(process)
        raise
    return Outcome(process.returncode, output, errors, timeout_s)


def _end(process: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal has no name
        return f"signal {number}"
