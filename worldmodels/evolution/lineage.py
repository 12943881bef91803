"""The whole way to a C: a search that began with another's C has that one's cost behind it.

`history.jsonl` in the folder of a search has a row a generation. `earlier.jsonl` has those of the
searches before it, if it took up another's C.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from worldmodels.metrics import read_jsonl

HISTORY = "history.jsonl"
EARLIER = "earlier.jsonl"
RUNNING = ("generation", "env_steps", "elapsed_s")  # totals that go on where those before ended

Row = dict[str, Any]


def joined(earlier: Sequence[Row], own: Iterable[Row]) -> list[Row]:
    """Rows of one search behind those of the ones before it, with totals that run on."""
    if not earlier:
        return list(own)
    before = {name: earlier[-1][name] for name in RUNNING}
    return [*earlier, *({**row, **{n: row[n] + before[n] for n in RUNNING}} for row in own)]


def read_lineage(ctrl: Path, until: int | None = None) -> list[Row]:
    """All generations that led to the search in `ctrl`, and its own up to generation `until`."""
    own = read_jsonl(ctrl / HISTORY)
    if until is not None:
        own = [row for row in own if row["generation"] <= until]
    return joined(read_jsonl(ctrl / EARLIER), own)
