"""The curriculum of a search: training episodes that lengthen as the population improves."""

from __future__ import annotations

import math

from worldmodels.errors import UsageError


def read_curriculum(text: str) -> tuple[int, int] | None:
    """ "50,5" as (50, 5); None for the empty string. Raises UsageError for anything else."""
    if not text:
        return None
    parts = text.split(",")
    if len(parts) != 2 or not all(part.strip().isdigit() for part in parts):
        raise UsageError(
            f"--curriculum {text!r} is not of the form 50,5: the steps at first, and those added "
            f"at each improvement."
        )
    first, more = int(parts[0]), int(parts[1])
    if first < 1 or more < 1:
        raise UsageError(f"--curriculum {text!r}: both numbers must be at least 1.")
    return first, more


class Curriculum:
    """How long training episodes may be, and the best mean return of a population so far.

    `longest` is the number of steps at which the game itself ends an episode.
    """

    def __init__(self, text: str, longest: int) -> None:
        schedule = read_curriculum(text)
        self._more = schedule[1] if schedule else 0
        self._longest = longest
        self.length = schedule[0] if schedule else 0  # in steps; 0: no limit
        self.best = -math.inf

    def tell(self, mean: float) -> None:
        """Longer episodes whenever the population's mean return improves."""
        if mean > self.best:
            self.best = mean
            if self._more:
                self.length = min(self.length + self._more, self._longest)
