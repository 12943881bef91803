"""When a game takes its next step, so that it runs at its own speed."""

from __future__ import annotations

from collections import deque

MOST_AT_ONCE = 3  # steps between two pictures; a slower machine slows the game down
MEASURED_S = 1.0  # the speed is that of about the last second
SLOW = 0.93  # of the game's own speed: below it the machine cannot keep up


class Pace:
    """A metronome that leaves out pictures first, and time only if that is not enough."""

    def __init__(self, steps_per_s: float) -> None:
        self._period_s = 1 / steps_per_s
        self._steps_per_s = steps_per_s
        self._next_s: float | None = None
        self._given: deque[tuple[float, int]] = deque()

    def due(self, now_s: float) -> int:
        """How many steps to take now, at most three."""
        if self._next_s is None:
            self._next_s = now_s
        count = 0
        while self._next_s <= now_s and count < MOST_AT_ONCE:
            self._next_s += self._period_s
            count += 1
        if self._next_s <= now_s:
            self._next_s = now_s + self._period_s  # what is lost is not made up for
        if count:
            self._given.append((now_s, count))
            while len(self._given) > 2 and self._given[1][0] < now_s - MEASURED_S:
                self._given.popleft()
        return count

    def wait_s(self, now_s: float) -> float:
        """Seconds until the next step is due."""
        return 0.0 if self._next_s is None else max(0.0, self._next_s - now_s)

    @property
    def measured_per_s(self) -> float | None:
        """Steps a second of late; None before half a second has been seen."""
        if not self._given or self._given[-1][0] - self._given[0][0] < MEASURED_S / 2:
            return None
        steps = sum(count for _, count in self._given) - self._given[0][1]
        return steps / (self._given[-1][0] - self._given[0][0])

    @property
    def is_behind(self) -> bool:
        """Whether the machine cannot keep up."""
        measured = self.measured_per_s
        return measured is not None and measured < SLOW * self._steps_per_s
