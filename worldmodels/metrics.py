"""Numbers of a running stage: metrics.jsonl, TensorBoard, and progress that a person reads."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from tqdm import tqdm

from worldmodels import interruption
from worldmodels.rundir import write_text

BAR = "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}<{left}, {rate_fmt}{postfix}]"
LINE_EVERY_S = 10.0  # off a terminal: a line now and then instead of a bar


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """The objects of a file with one JSON object a line; a torn last line is left out."""
    if not path.exists():
        return []
    rows = []
    for line in path.read_text().splitlines():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:  # the process was killed while it wrote this line
            break
    return rows


def write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a file of one JSON object a line, whole or not at all."""
    write_text(path, "".join(json.dumps(row) + "\n" for row in rows))


class MetricsLog:
    """One JSON object a line, and the same numbers as TensorBoard events where it is installed."""

    def __init__(self, path: Path, key: str, resume_at: int) -> None:
        """Append to `path`, after dropping the lines whose `key` is beyond `resume_at`.

        Those were written after the checkpoint that the loop goes on from, and come again.
        """
        self._key = key
        write_jsonl(path, [row for row in read_jsonl(path) if row[key] <= resume_at])
        self._file = path.open("a")
        self._board = _tensorboard(path.parent / "tensorboard", resume_at)

    def write(self, row: dict[str, Any]) -> None:
        """Append one object; it is on disk when this returns."""
        self._file.write(json.dumps(row) + "\n")
        self._file.flush()
        if self._board is not None:
            for name, value in row.items():
                if name != self._key and isinstance(value, int | float):
                    self._board.add_scalar(name, value, row[self._key])

    def close(self) -> None:
        """Close the files."""
        self._file.close()
        if self._board is not None:
            self._board.close()

    def __enter__(self) -> MetricsLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _tensorboard(folder: Path, resume_at: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:  # the extra `tensorboard` is not installed; metrics.jsonl has it all
        return None
    return SummaryWriter(str(folder), purge_step=resume_at + 1)


def _left_s(units: int, rate: float, most_s: float) -> float:
    """Seconds for so many units at `rate` a second, at most `most_s`; infinite if none can tell."""
    return min(units / rate if rate > 0 else math.inf, max(most_s, 0.0))


class _Bar(tqdm):  # type: ignore[type-arg]
    """A bar that knows of work that ends after a time, whatever is left of it."""

    most_s = math.inf

    @property
    def format_dict(self) -> dict[str, Any]:
        """What the bar can show: also `left`, the time that is still to go."""
        shown: dict[str, Any] = super().format_dict
        elapsed_s, done = shown["elapsed"], shown["n"] - shown["initial"]
        rate = shown["rate"] or (done / elapsed_s if elapsed_s else 0.0)
        left_s = _left_s(shown["total"] - shown["n"], rate, self.most_s - elapsed_s)
        return {**shown, "left": self.format_interval(left_s) if left_s < math.inf else "?"}


class Progress:
    """How far a stage is, how fast, and how long it will still take.

    A bar on a terminal; elsewhere a plain line every ten seconds, so that logs stay readable.
    """

    def __init__(
        self, name: str, total: int, unit: str, start: int = 0, most_s: float = math.inf
    ) -> None:
        """`total` units in all, `start` of them done; the work ends after `most_s` in any case."""
        self._name, self._total, self._unit, self._most_s = name, total, unit, most_s
        self._start = self._count = start
        self._began = self._printed = time.monotonic()
        self._note = ""
        self._bar: _Bar | None = None
        if sys.stderr.isatty():
            self._bar = _Bar(
                total=total,
                initial=start,
                desc=name,
                unit=unit,
                dynamic_ncols=True,
                leave=False,
                miniters=0,  # a new note is shown while a unit is still at work
                bar_format=BAR,
            )
            self._bar.most_s = most_s

    def update(self, amount: int = 1, note: str | None = None) -> None:
        """Count `amount` more units; `note` is shown behind the numbers.

        Raises KeyboardInterrupt if the user has asked to stop and was not heard.
        """
        interruption.raise_if_asked()
        self._count += amount
        if note is not None:
            self._note = note
        if self._bar is not None:
            self._bar.set_postfix_str(self._note, refresh=False)
            self._bar.update(amount)
        elif time.monotonic() - self._printed >= LINE_EVERY_S:
            self._printed = time.monotonic()
            print(self._line(), file=sys.stderr, flush=True)

    def say(self, text: str) -> None:
        """Print a line without disturbing the bar."""
        if self._bar is not None:
            self._bar.write(text, file=sys.stderr)
        else:
            print(text, file=sys.stderr, flush=True)

    def _line(self) -> str:
        elapsed_s = time.monotonic() - self._began
        rate = (self._count - self._start) / elapsed_s
        left_s = _left_s(self._total - self._count, rate, self._most_s - elapsed_s)
        left = clock(left_s) if left_s < math.inf else "unknown time"
        speed = f"{clock(1 / rate)} each" if 0 < rate < 1 else f"{rate:,.1f}/s"
        return (
            f"{self._name}: {self._count:,} of {counted(self._total, self._unit)}, "
            f"{speed}, {left} left" + (f", {self._note}" if self._note else "")
        )

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()


def counted(number: float, noun: str) -> str:
    """ "1 episode", "1,024 episodes"."""
    return f"{number:,.0f} {noun}" + ("" if number == 1 else "s")


def clock(seconds: float) -> str:
    """A duration as people say it: 42s, 3m05s, 2h07m, 3d04h."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"{whole // 86400}d{whole % 86400 // 3600:02d}h"
