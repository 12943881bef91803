"""What `wm watch` shows: a panel for a terminal, and lines for a log."""

from __future__ import annotations

import textwrap
from typing import Any

from worldmodels.metrics import clock
from worldmodels.report.progress import generation_text
from worldmodels.report.watch.braille import EDGE, Curve, chart
from worldmodels.report.watch.standing import Standing

BLUE, ORANGE, QUIET, BOLD, RESET = "\x1b[34m", "\x1b[33m", "\x1b[2m", "\x1b[1m", "\x1b[0m"
TITLES = {"ctrl": "search of C", "rnn": "training of M", "vae": "training of V"}
WIDEST = 100  # characters
LINES_AROUND = 6  # of the panel, besides the chart and the numbers
LOWEST, TALLEST = 3, 12  # lines of the chart


def panel(standing: Standing, columns: int, lines: int, plain: bool) -> list[str]:
    """The lines of a panel for a terminal of this size; `plain` leaves colours out."""
    width = min(columns - 1, WIDEST)
    numbers = [part for line in _numbers(standing) for part in textwrap.wrap(line, width)]
    numbers = numbers[: max(lines - LINES_AROUND - LOWEST, 1)]
    height = max(LOWEST, min(TALLEST, lines - LINES_AROUND - len(numbers)))
    bold, quiet, reset = ("", "", "") if plain else (BOLD, QUIET, RESET)
    what = f": {TITLES[standing.folder.name]}, {standing.state}"
    room = max(width - len(what), 1)  # for the path, whose end says most
    body = chart(_curves(standing), width, height, plain)
    margin = body[0].index(EDGE) + 1
    axis = " " * margin + _axis(standing, width - margin)
    return [
        f"{bold}{str(standing.folder.parent)[-room:]}{reset}{what[: width - 1]}",
        _bar(standing, width)[:width],
        "",
        *body,
        f"{quiet}{axis[:width]}{reset}",
        "",
        *numbers,
    ]


def row_line(standing: Standing, row: dict[str, Any]) -> str:
    """One row of the log as a sentence."""
    total = f" of {standing.total:,}" if standing.total else ""
    text = f"{standing.unit} {row[standing.unit]:,}{total}: "
    if standing.unit == "step":
        held_out = f"held out {row['validation_loss']:.4g}"
        return text + f"loss {row['loss']:.4g}, {held_out}, {row['steps_per_s']:.3g} steps/s"
    return text + generation_text(row, standing.scored)


def left(standing: Standing) -> str:
    """How long it will still take, in words."""
    if standing.finished:
        return "finished"
    return "unknown time left" if standing.left_s is None else f"{clock(standing.left_s)} left"


def _curves(standing: Standing) -> list[Curve]:
    rows = standing.rows
    at = [row[standing.unit] for row in rows]
    if standing.unit == "step":
        return [
            Curve(at, [row["loss"] for row in rows], QUIET),
            Curve(at, [row["validation_loss"] for row in rows], BLUE),
        ]
    evaluated = [row for row in rows if "evaluation" in row]
    return [
        Curve(at, [row["best"] for row in rows], QUIET),
        Curve(at, [row["mean"] for row in rows], BLUE),
        Curve(
            [row["generation"] for row in evaluated],
            [row["evaluation"] for row in evaluated],
            ORANGE,
            "◆",
        ),
    ]


def _bar(standing: Standing, width: int) -> str:
    """How much is done, as a bar and in numbers."""
    if standing.total is None:
        return f"{standing.unit} {standing.count:,}"
    text = f" {standing.unit} {standing.count:,} of {standing.total:,}, {left(standing)}"
    room = max(width - len(text), 4)
    filled = round(room * min(standing.count / standing.total, 1))
    return "━" * filled + "╌" * (room - filled) + text


def _axis(standing: Standing, width: int) -> str:
    """The first and the last unit below the chart, and what is drawn in between."""
    first, last = f"{standing.rows[0][standing.unit]:,}", f"{standing.count:,}"
    said = f"return: mean and best of the population, ◆ evaluation of the {standing.scored}"
    if standing.unit == "step":
        said = "loss: training and held out"
    return f"{first} {said:^{max(width - len(first) - len(last) - 2, 1)}} {last}"


def _numbers(standing: Standing) -> list[str]:
    last = standing.rows[-1]
    lines = [row_line(standing, {k: v for k, v in last.items() if k != "evaluation"})]
    evaluated = [row for row in standing.rows if "evaluation" in row]
    if evaluated:
        best = max(evaluated, key=lambda row: row["evaluation"])
        latest = evaluated[-1]
        where = f" in the {standing.world} world" if standing.world else ""
        lines.append(
            f"evaluation of the {standing.scored}{where}: {latest['evaluation']:.1f} at generation "
            f"{latest['generation']:,}; best {best['evaluation']:.1f} at {best['generation']:,}"
        )
    return lines
