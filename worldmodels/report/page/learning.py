"""Learning curves: what the search of C has reached, against steps and against hours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from worldmodels.experiment import CurvePoint, Experiment
from worldmodels.report.page.charts import DASHES, FEW, INK, QUIET, SERIES, SOLVED, Chart, legend
from worldmodels.report.progress import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOG_FROM = 30.0  # the ratio of the last x to the first from which the axis is logarithmic


@dataclass(frozen=True)
class Search:
    """A search of C and its name in the legend."""

    label: str
    history: History


@dataclass(frozen=True)
class _Axis:
    """What a return can be drawn against."""

    name: str
    label: str
    ours: Callable[[History], np.ndarray]
    published: Callable[[CurvePoint], float | None]


STEPS = _Axis("steps", "environment steps", lambda h: h.env_steps, lambda p: p.env_steps)
HOURS = _Axis("hours", "hours", lambda h: h.hours, lambda p: p.hours)


def learning_curves(
    searches: Sequence[Search], experiment: Experiment, mark: float | None
) -> tuple[Chart, Chart]:
    """The returns of `searches` against steps and against hours, with the original's beside them.

    `mark` is the return from which the game counts as solved; None draws no line.
    """
    return (
        _learning_curve(searches, experiment, mark, STEPS),
        _learning_curve(searches, experiment, mark, HOURS),
    )


def _learning_curve(
    searches: Sequence[Search], experiment: Experiment, mark: float | None, axis: _Axis
) -> Chart:
    def draw(axes: Axes) -> None:
        xs = [axis.ours(search.history) for search in searches]
        for number, (search, x) in enumerate(zip(searches, xs, strict=True)):
            _draw_search(axes, search, x, SERIES[number % len(SERIES)], len(searches) == 1)
        published = _draw_published(axes, experiment, axis)
        if mark is not None:
            axes.axhline(mark, color=SOLVED, linewidth=1, linestyle=DASHES, label="solved")
        _scale(axes, np.concatenate([*xs, published]))
        axes.set_xlabel(axis.label)
        axes.set_title("return", loc="left")
        legend(axes, columns=2)  # three would not fit side by side

    said = f"Learning curve of C: return against {axis.label}"
    return Chart(f"learning-curve-{axis.name}", said, draw)


def _draw_search(axes: Axes, search: Search, x: np.ndarray, colour: str, alone: bool) -> None:
    """The population's mean as a thin line, evaluations of the distribution's mean as dots."""
    history, at = search.history, search.history.evaluated
    evaluation = search.label
    if alone:
        evaluation = "evaluation of the mean"
        band: dict[str, Any] = {"alpha": 0.13, "linewidth": 0, "label": "population, mean to best"}
        axes.fill_between(x, history.mean, history.best, color=colour, **band)
    dot = "." if len(x) <= FEW else None
    axes.plot(x, history.mean, color=colour, alpha=0.55, linewidth=1, marker=dot)
    size = 4.5 if len(at) <= FEW else 3
    axes.plot(
        x[at], history.evaluation[at], color=colour, marker="o", markersize=size, label=evaluation
    )


def _draw_published(axes: Axes, experiment: Experiment, axis: _Axis) -> np.ndarray:
    """Draw the original's curve where the game has one; returns its x."""
    curve = experiment.learning_curve
    points = [
        (reached_at, point.score)
        for point in (curve.points if curve is not None else ())
        if (reached_at := axis.published(point)) is not None
    ]
    if curve is None or not points:
        return np.array([])
    x = np.array([x for x, _ in points])
    y = [score for _, score in points]
    ring: dict[str, Any] = {"marker": "o", "markerfacecolor": "none", "markeredgecolor": INK}
    axes.plot(x, y, color=QUIET, linewidth=1.2, label=curve.name, **ring)
    return x


def _scale(axes: Axes, x: np.ndarray) -> None:
    """A logarithmic axis where the values of x span orders of magnitude."""
    from matplotlib.ticker import EngFormatter, NullFormatter

    positive = x[x > 0]
    if len(positive) and positive.max() / positive.min() > LOG_FROM:
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.xaxis.set_major_formatter("{x:g}")
    if len(positive) and positive.max() >= 10_000:
        axes.xaxis.set_major_formatter(EngFormatter())
