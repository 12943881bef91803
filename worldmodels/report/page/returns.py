"""How the returns of an evaluation are distributed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from worldmodels.experiment import Score
from worldmodels.report.page.charts import DASHES, INK, QUIET, SERIES, SOLVED, Chart, legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_BINS = 40
HEAD_IN, ROW_IN = 0.8, 0.5  # height of the comparison, and of each run in it
DOTS: dict[str, Any] = {
    "marker": "o",
    "linestyle": "",
    "markersize": 3,
    "markeredgewidth": 0,
    "alpha": 0.55,
}


def returns_histogram(returns: Sequence[float], solved: float, paper: Score | None) -> Chart:
    """A histogram of returns over a strip of all of them, with the marks to compare with."""
    values, colour = np.asarray(returns), SERIES[0]
    mean, median = float(values.mean()), float(np.median(values))

    def draw(axes: Axes) -> None:
        from matplotlib.ticker import MaxNLocator

        bins = min(MOST_BINS, max(5, round(2 * np.sqrt(len(values)))))
        counts, _, _ = axes.hist(values, bins, color=colour, alpha=0.3, linewidth=0)
        height = float(np.max(counts))
        axes.plot(values, -0.13 * height + 0.1 * height * _scatter(values), color=colour, **DOTS)
        axes.axvline(mean, color=colour, label=f"mean {mean:.1f}")
        axes.axvline(median, color=colour, linestyle="--", label=f"median {median:.1f}")
        axes.axvline(solved, color=SOLVED, linestyle=DASHES, label=f"solved {solved:g}")
        if paper is not None:
            axes.axvline(paper.mean, color=QUIET, linestyle=":", label=f"paper {paper.mean:g}")
        axes.set_ylim(-0.22 * height, 1.08 * height)
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_yticks([tick for tick in axes.get_yticks() if 0 <= tick <= height])
        axes.set_xlabel("return of an episode")
        axes.set_title("episodes", loc="left")
        legend(axes, columns=2)

    return Chart("returns", "Histogram of the returns of the evaluation", draw)


def returns_side_by_side(runs: Sequence[tuple[str, Sequence[float]]], solved: float) -> Chart:
    """A row of dots for each run, an episode a dot, with mean and median."""

    def draw(axes: Axes) -> None:
        for row, (_, returns) in enumerate(runs):
            values, span = np.asarray(returns), (row - 0.36, row + 0.36)
            colour = SERIES[row % len(SERIES)]
            axes.plot(values, row + 0.44 * _scatter(values), color=colour, **DOTS)
            axes.plot([values.mean()] * 2, span, color=INK, linewidth=2)
            axes.plot([np.median(values)] * 2, span, color=INK, linewidth=1, linestyle=":")
        axes.axvline(solved, color=SOLVED, linestyle=DASHES, label=f"solved {solved:g}")
        axes.set_yticks(range(len(runs)), [label for label, _ in runs])
        axes.tick_params("y", labelcolor=INK)
        axes.set_ylim(len(runs) - 0.5, -0.5)
        axes.grid(False)
        axes.set_xlabel("return of an episode")
        legend(axes)

    said = "Returns of every episode of each run"
    return Chart("returns", said, draw, HEAD_IN + ROW_IN * len(runs))


def _scatter(values: np.ndarray) -> np.ndarray:
    """Offsets from -0.5 to 0.5 that keep dots apart: multiples of the golden ratio."""
    return np.arange(len(values)) * 0.6180339887 % 1 - 0.5
