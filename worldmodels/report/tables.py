"""Tables of scores: an agent's beside the published ones."""

from __future__ import annotations

from collections.abc import Sequence

from worldmodels.experiment import Experiment, Score
from worldmodels.report.statistics import Summary

COLUMNS = ("", "episodes", "mean ± sd", "95 % interval", "min", "median", "max")
PUBLISHED_EPISODES = 100  # what every Score was measured on
SOURCE_COLUMN = 3  # published rows lack an interval: their source takes the space behind the mean
WIDTH = 100  # columns of the terminal
GAP = "  "


def results_text(experiment: Experiment, rows: Sequence[tuple[str, Summary]]) -> str:
    """The scores in `rows` (name, summary) above the published ones, for a terminal.

    At most 100 columns wide: names and sources that do not fit are cut.
    """
    ours = [measured(name, summary) for name, summary in rows]
    others = [*map(published, experiment.scores), solved(experiment)]
    widths = [max(map(len, column)) for column in zip(COLUMNS, *ours, strict=True)]
    for i in range(SOURCE_COLUMN):
        widths[i] = max(widths[i], *(len(row[i]) for row in others))
    widths[0] = min(widths[0], WIDTH - _total(widths[1:]) - len(GAP))
    rule = "-" * _total(widths)
    lines = [
        f"{experiment.title}: return of an episode",
        "",
        _line(COLUMNS, widths),
        rule,
        *(_line(row, widths) for row in ours),
        rule,
        *(
            _line((*row[:-1], _cut(row[-1], _total(widths[SOURCE_COLUMN:]))), widths)
            for row in others
        ),
    ]
    return "\n".join(lines) + "\n"


def results_markdown(experiment: Experiment, rows: Sequence[tuple[str, Summary]]) -> str:
    """The scores in `rows` (name, summary) above the published ones, as a Markdown table."""
    empty = ("",) * (len(COLUMNS) - SOURCE_COLUMN)
    ours = [(*measured(f"**{name}**", summary), "measured here") for name, summary in rows]
    others = [
        (name, episodes, mean, *empty, source)
        for name, episodes, mean, source in [
            *map(published, experiment.scores),
            solved(experiment),
        ]
    ]
    lines = [
        f"Return of an episode of {experiment.title}: mean and standard deviation over episodes, "
        f"and a 95 % bootstrap interval of the mean.",
        "",
        markdown_line((*COLUMNS, "source")),
        markdown_line(("---", *["---:"] * (len(COLUMNS) - 1), "---")),
        *map(markdown_line, [*ours, *others]),
    ]
    return "\n".join(lines) + "\n"


def measured(name: str, summary: Summary) -> tuple[str, ...]:
    """The cells of a row of ours, one a column."""
    large = max(abs(summary.minimum), abs(summary.maximum)) >= 10
    mean, std, low, high, minimum, median, maximum = (
        f"{value:.1f}" if large else f"{value:.3f}"
        for value in (
            summary.mean,
            summary.std,
            summary.low,
            summary.high,
            summary.minimum,
            summary.median,
            summary.maximum,
        )
    )
    if summary.episodes == 1:  # says nothing of its spread
        return (name, "1", mean, "", minimum, median, maximum)
    spread = f"{mean} ± {std}"
    return (name, f"{summary.episodes:,}", spread, f"{low} to {high}", minimum, median, maximum)


def published(score: Score) -> tuple[str, str, str, str]:
    """Name, episodes, mean ± sd, source; numbers as they were printed."""
    spread = "" if score.spread is None else f" ± {score.spread:g}"
    return (score.name, str(PUBLISHED_EPISODES), f"{score.mean:g}{spread}", score.source)


def solved(experiment: Experiment) -> tuple[str, str, str, str]:
    """The cells of the mark from which the game counts as solved."""
    return ("solved from", str(PUBLISHED_EPISODES), f"{experiment.solved:g}", "the game's own mark")


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Names to the left, numbers to the right, a source to the left under the interval."""
    has_source = len(cells) < len(widths)
    numbers = cells[1:-1] if has_source else cells[1:]
    parts = [_cut(cells[0], widths[0]).ljust(widths[0])]
    parts += [cell.rjust(width) for cell, width in zip(numbers, widths[1:], strict=False)]
    if has_source:
        parts.append(cells[-1])
    return GAP.join(parts).rstrip()


def _total(widths: Sequence[int]) -> int:
    """Width of columns with the gaps between them."""
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"


def markdown_line(cells: Sequence[str]) -> str:
    """A row of a Markdown table."""
    # A bar would end the cell and a line break the row.
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
