"""What was measured as text for a terminal, as Markdown for the README, and as JSON."""

from __future__ import annotations

import dataclasses
import json
import statistics
from collections.abc import Sequence
from typing import Any

from benchmarks.measure import Row
from benchmarks.peaks import Peak

GAP = "  "
MISSING = "not measured"
RATES = ("row", "here", "reference", "ratio", "rounds", "aim")
PEAKS = ("stage", "episodes", "largest process", "all together", "what was run")


def summary(row: Row) -> str:
    """A row as one line."""
    return f"{GAP.join((*_rates(row), *_ratios(row)))}  ({row.subject})"


def as_text(machine: str, rows: Sequence[Row], peaks: Sequence[Peak]) -> str:
    """Everything, for a terminal."""
    lines = [machine, ""]
    if rows:
        cells = [(row.name, *_rates(row), *_ratios(row), row.goal) for row in rows]
        lines += [*_aligned(RATES, cells), ""]
    for row in rows:
        lines += [f"{row.name}: {row.subject}", f"  against {row.reference}"]
        lines += [f"  {line}" for line in _remarks(row)]
    if peaks:
        lines += [*_aligned(PEAKS, [_peak(peak) for peak in peaks])]
    return "\n".join(lines) + "\n"


def as_markdown(machine: str, rows: Sequence[Row], peaks: Sequence[Peak]) -> str:
    """Everything, as Markdown tables."""
    lines = [f"Measured by `scripts/bench.py` on {machine}.", ""]
    if rows:
        titles = ("what", "here", "compared to", "there", "ratio (median)", "over the rounds")
        cells = [
            (row.subject, _rates(row)[0], row.reference, _rates(row)[1], *_ratios(row))
            for row in rows
        ]
        lines += [*_markdown(titles, "lrlrrr", cells), ""]
    remarks = [f"- {row.subject}: {line}." for row in rows for line in _remarks(row)]
    lines += [*remarks, ""] if remarks else []
    if peaks:
        lines += [*_markdown(PEAKS, "lrrrl", [_peak(peak) for peak in peaks]), ""]
    return "\n".join(lines)


def as_json(machine: str, rows: Sequence[Row], peaks: Sequence[Peak]) -> str:
    """Everything, each round included."""
    measured: list[dict[str, Any]] = []
    for row in rows:
        plain = dataclasses.asdict(row)
        if row.rates is not None:
            plain |= {"ratio": row.rates.ratio, "ratios": row.rates.ratios}
        measured.append(plain)
    content = {
        "machine": machine,
        "rows": measured,
        "memory": [dataclasses.asdict(peak) for peak in peaks],
    }
    return json.dumps(content, indent=2) + "\n"


def _rates(row: Row) -> tuple[str, str]:
    """The median rates of both sides."""
    if row.rates is None:
        return MISSING, MISSING
    sides = (row.rates.subject, row.rates.reference)
    ours, theirs = (f"{statistics.median(side):,.0f} {row.unit}" for side in sides)
    return ours, theirs


def _ratios(row: Row) -> tuple[str, str]:
    """The median ratio, and the least and the greatest one."""
    if row.rates is None:
        return "", ""
    low, high = min(row.rates.ratios), max(row.rates.ratios)
    return f"{row.rates.ratio:.3g}x", f"{low:.3g}x to {high:.3g}x"


def _remarks(row: Row) -> list[str]:
    """The parts of a step, and the notes."""
    remarks = list(row.notes)
    if row.parts_us:
        whole = sum(row.parts_us.values())
        parts = ", ".join(f"{name} {us:.1f}" for name, us in row.parts_us.items())
        remarks.insert(0, f"a step takes {whole:.1f} µs of one process: {parts}")
    return remarks


def _peak(peak: Peak) -> tuple[str, ...]:
    largest, together = f"{peak.largest_mib:,} MiB", f"{peak.together_mib:,} MiB"
    return (peak.stage, f"{peak.episodes:,}", largest, together, peak.what)


def _aligned(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    return [
        GAP.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
        for cells in [titles, ["-" * width for width in widths], *rows]
    ]


def _markdown(titles: Sequence[str], sides: str, rows: Sequence[Sequence[str]]) -> list[str]:
    rule = ["---:" if side == "r" else "---" for side in sides]
    return ["| " + " | ".join(cells) + " |" for cells in [titles, rule, *rows]]
