"""Rates of a subject and of its reference, taken in turns."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Rate = Callable[[], float]  # works for a moment; how much it did in a second


@dataclass(frozen=True)
class Rates:
    """What the subject and the reference did in a second, round by round."""

    subject: tuple[float, ...]
    reference: tuple[float, ...]

    @property
    def ratios(self) -> tuple[float, ...]:
        """The subject's rate over the reference's, of each round."""
        return tuple(s / r for s, r in zip(self.subject, self.reference, strict=True))

    @property
    def ratio(self) -> float:
        """The median of the rounds' ratios."""
        return statistics.median(self.ratios)


@dataclass(frozen=True)
class Row:
    """One claim of speed."""

    name: str  # of the row on the command line
    subject: str
    reference: str
    unit: str  # of the rates
    rates: Rates | None  # None: the reference is not there
    goal: str = ""  # the ratio that the project aims at
    parts_us: Mapping[str, float] = field(default_factory=dict)  # of one process, for each step
    notes: tuple[str, ...] = ()


def in_turns(reference: Rate, subject: Rate, rounds: int, warm_up: bool = True) -> Rates:
    """Reference, subject, reference, subject, ...: what slows the machine down hits both.

    `warm_up` lets each work once before it counts: workers start, code is compiled.
    """
    if warm_up:
        reference()
        subject()
    pairs = [(reference(), subject()) for _ in range(rounds)]
    return Rates(tuple(s for _, s in pairs), tuple(r for r, _ in pairs))
