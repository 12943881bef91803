"""What a check found."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warn", "FAIL"]
MOST_WORDS = 300  # characters of another program's own words


@dataclass(frozen=True)
class Finding:
    """The outcome of a check.

    FAIL is for what stops the pipeline on this machine, warn for what slows it down, may stop it
    later, or that only some users need.
    """

    status: Status
    text: str
    remedy: str = ""  # what to do about it, in a sentence; empty if all is well


def guarded(check: Callable[[], Finding], debug: bool = False) -> Finding:
    """What `check` finds; whatever it raises is a failure of the check, in the error's words."""
    try:
        return check()
    except Exception as error:
        if debug:
            traceback.print_exc()
        return Finding(
            "FAIL",
            shortened(f"{type(error).__name__}: {error}"),
            "install worldmodels in a fresh virtual environment; "
            "`wm doctor --debug` shows where this comes from",
        )


def shortened(text: str) -> str:
    """`text` in one line of bounded length."""
    line = " ".join(text.split())
    return line if len(line) <= MOST_WORDS else f"{line[:MOST_WORDS]}..."
