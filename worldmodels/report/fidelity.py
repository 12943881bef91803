"""How true another world is to the official one, as tables and a picture for people."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from worldmodels.data.drives import Drive
from worldmodels.experiment import OFFICIAL
from worldmodels.report.agreement import Agreement, Comparison, FrameError
from worldmodels.report.pictures import save_grid
from worldmodels.report.statistics import Pairs, Summary
from worldmodels.report.tables import GAP, WIDTH, markdown_line

ENHANCED = 10  # times, in the picture: differences of a few grey levels cannot be seen


@dataclass(frozen=True)
class Table:
    """A sentence, and rows of cells under it; the first row has the headings."""

    caption: str
    rows: Sequence[tuple[str, ...]]

    def text(self) -> str:
        """For a terminal: names to the left, the rest in columns."""
        widths = [max(map(len, column)) for column in zip(*self.rows, strict=True)]
        lines = [
            GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in self.rows
        ]
        rule = "-" * max(map(len, lines))
        caption = textwrap.fill(self.caption, WIDTH)
        return "\n".join([caption, "", lines[0], rule, *lines[1:]]) + "\n"

    def markdown(self) -> str:
        """For a document."""
        rule = ("---",) * len(self.rows[0])
        lines = [markdown_line(row) for row in (self.rows[0], rule, *self.rows[1:])]
        return "\n".join([self.caption, "", *lines]) + "\n"


def comparison_table(caption: str, found: Comparison) -> Table:
    """What both worlds made of the same actions."""
    rows = [
        ("", "agreement", "largest difference"),
        ("rewards", _share(found.rewards, "steps"), f"{found.rewards.largest:.3g}"),
        ("ends", _share(found.ends, "episodes"), f"{found.ends.largest:.0f} steps"),
    ]
    for name, drift in found.drift.items():
        quantity, _, unit = name.rpartition("_")
        words = quantity.replace("_", " ")
        rows.append((words, _share(drift, "frames"), f"{drift.largest:.3g} {unit}"))
    rows.append(("frames, first second", *_levels(found.first_second)))
    if found.afterwards is not None:
        rows.append(("frames, afterwards", *_levels(found.afterwards)))
    return Table(caption, rows)


def pairs_table(caption: str, world: str, pairs: Pairs) -> Table:
    """The returns of an agent in both worlds."""
    return Table(
        caption,
        [
            ("", "mean ± sd", "95 % interval of the mean"),
            _returns(OFFICIAL, pairs.first),
            _returns(world, pairs.second),
            _returns(f"{world} - {OFFICIAL}, paired", pairs.difference),
            ("equal returns", f"{pairs.equal} of {pairs.first.episodes}", ""),
        ],
    )


def save_comparison(path: Path, drives: Sequence[Drive], world: str) -> None:
    """Write a PNG: moments of the first drive, and the worst frame of all, in both worlds.

    Under them the absolute difference, enhanced.
    """
    first, worst = drives[0], max(drives, key=lambda drive: drive.pixel_error.max())
    frames = np.concatenate([first.frame[:, :-1], worst.frame[:, -1:]], axis=1)
    difference = np.abs(np.subtract(*frames, dtype=np.int64))
    shown = np.minimum(ENHANCED * difference, 255).astype(np.uint8)
    columns = [*(f"step {step}" for step in first.shown[:-1]), f"worst, step {worst.shown[-1]}"]
    labels = [OFFICIAL, world, f"difference x{ENHANCED}"]
    save_grid(path, [*frames, shown], labels, columns=columns)


def _share(agreement: Agreement, unit: str) -> str:
    return f"equal in {agreement.equal:,} of {agreement.count:,} {unit}"


def _levels(error: FrameError) -> tuple[str, str]:
    where = f"seed {error.seed}, step {error.step}"
    return f"{error.mean:.2f} of 255 grey levels apart", f"{error.worst:.2f} ({where})"


def _returns(name: str, summary: Summary) -> tuple[str, str, str]:
    return (
        name,
        f"{summary.mean:.2f} ± {summary.std:.2f}",
        f"{summary.low:.2f} to {summary.high:.2f}",
    )
