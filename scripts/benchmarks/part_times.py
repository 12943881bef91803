"""Where the time of a running stage goes, seen from outside."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any

from worldmodels.evolution.pool import Job, Pool

EVERY_S = 0.001
REST = "rest"


@dataclass(frozen=True)
class Rule:
    """Code whose time belongs to a part."""

    file: str  # occurs in the path of the code's file
    part: str
    function: str = ""  # only in this function, and what it calls


class PartTimes:
    """Looks at this process a thousand times a second and notes which part is at work.

    The innermost function that a rule is about decides; compiled code counts for its caller. That
    costs a few microseconds a millisecond and needs no change in the code that is watched.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._seen: Counter[str] = Counter()
        self._elapsed_s = 0.0

    def per_step_us(self, steps: int) -> dict[str, float]:
        """Microseconds of each part in one of `steps`, the whole being all of the time."""
        looks = max(self._seen.total(), 1)
        names = [*dict.fromkeys(rule.part for rule in self._rules), REST]
        return {name: 1e6 * self._elapsed_s / steps * self._seen[name] / looks for name in names}

    def __enter__(self) -> PartTimes:
        self._began = time.perf_counter()
        self._old_handler: Any = signal.signal(signal.SIGALRM, self._look)
        signal.setitimer(signal.ITIMER_REAL, EVERY_S, EVERY_S)
        return self

    def __exit__(self, *error: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._old_handler)
        self._elapsed_s += time.perf_counter() - self._began

    def _look(self, number: int, frame: FrameType | None) -> None:
        while frame is not None:
            part = self._part(frame)
            if part is not None:
                self._seen[part] += 1
                return
            frame = frame.f_back
        self._seen[REST] += 1

    def _part(self, frame: FrameType) -> str | None:
        code = frame.f_code
        for rule in self._rules:
            if rule.function in ("", code.co_name) and rule.file in code.co_filename:
                return rule.part
        return None


class WatchedPool:
    """A pool of this process whose first work is watched."""

    def __init__(self, pool: Pool, times: PartTimes) -> None:
        self._pool, self._times = pool, times
        self._watched = False
        self.peak_memory_mib = 0

    def map(self, job: Job, items: Sequence[Any]) -> Iterator[Any]:
        """The results, in the order of the items."""
        if self._watched:
            yield from self._pool.map(job, items)
            return
        self._watched = True
        with self._times:
            results = list(self._pool.map(job, items))
        yield from results
