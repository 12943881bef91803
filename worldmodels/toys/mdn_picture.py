"""The picture of `wm toy mdn`: what a regression and a mixture say of the same points."""

from __future__ import annotations

import math
from pathlib import Path

import matplotlib
import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from torch import Tensor

from worldmodels.seeding import torch_generator
from worldmodels.toys.figure import (
    BLUE,
    GREEN,
    ORANGE,
    PINK,
    QUIET,
    STYLE,
    TEXT,
    pixels,
    save_png,
)
from worldmodels.toys.mdn import COMPONENTS, NOISE, Lesson, Points, forward, true_log_density

SIZE_IN = (9.0, 6.4)
DOTS_PER_IN = 150
TEMPERATURES = (0.1, 0.5, 1.0, 1.3)  # the paper's tau, from nearly certain to more than real
SAMPLES = 1000
CURVE_POINTS = 400
ASKED_X = 0.35  # where y is below 0.19 or above 0.56, and its mean in between
X_LIMITS, Y_LIMITS = (-0.15, 1.15), (-0.2, 1.2)


def draw(lesson: Lesson, seed: int, path: Path) -> None:
    """Write the picture as a PNG; `seed` is that of the samples."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(SIZE_IN)
        rows = figure.add_gridspec(2, 1, height_ratios=(1.25, 1))
        above = rows[0].subgridspec(1, 3).subplots(sharey=True, squeeze=False)[0]
        below = rows[1].subgridspec(1, len(TEMPERATURES)).subplots(sharey=True, squeeze=False)[0]
        regression, means, densities = above
        _draw_regression(regression, lesson)
        _draw_means(means, lesson)
        _draw_densities(densities, lesson)
        for axes, temperature in zip(below, TEMPERATURES, strict=True):
            _draw_samples(axes, lesson, temperature, seed)
        for row in (above, below):
            row[0].set_ylabel("y", rotation=0, labelpad=8)
        save_png(path, pixels(figure, DOTS_PER_IN))


def samples(lesson: Lesson, temperature: float, seed: int) -> Points:
    """Answers drawn from the mixture to questions that are spread over all that were taught."""
    random = torch_generator("cpu", seed, "toy mdn", "samples")  # the same for each temperature
    low, high = float(lesson.points.x.min()), float(lesson.points.x.max())
    x = low + (high - low) * torch.rand(SAMPLES, generator=random)
    uniform = torch.rand(SAMPLES, 1, generator=random)
    noise = torch.randn(SAMPLES, 1, generator=random)
    return Points(x, lesson.answers(x).sample(uniform, noise, temperature).squeeze(1))


def _draw_regression(axes: Axes, lesson: Lesson) -> None:
    _draw_points(axes, lesson.points, QUIET)
    x = _curve_x(lesson)
    axes.plot(x, lesson.mean_answer(x), color=ORANGE, linewidth=2.4)
    axes.set_title("regression: the mean of all answers")
    mean = float(lesson.mean_answer(torch.tensor([ASKED_X])))
    axes.plot(ASKED_X, mean, "o", color=ORANGE, markersize=7, markeredgecolor=TEXT)
    axes.text(ASKED_X - 0.06, mean + 0.02, "no data here", ha="right", fontsize=9)
    _mark_asked(axes)
    _frame(axes)


def _draw_means(axes: Axes, lesson: Lesson) -> None:
    """The components' means; where a component weighs little, its curve fades."""
    _draw_points(axes, lesson.points, QUIET, opacity=0.25)
    x = _curve_x(lesson)
    answers = lesson.answers(x)
    weight = answers.logits.softmax(-1)[:, 0].numpy()
    mean = answers.mean[:, 0].numpy()
    for component, colour in zip(range(COMPONENTS), (BLUE, GREEN, PINK), strict=True):
        places = np.stack([x.numpy(), mean[:, component]], axis=1)
        strokes = np.stack([places[:-1], places[1:]], axis=1)
        colours = [(*to_rgb(colour), opacity) for opacity in weight[:-1, component]]
        axes.add_collection(LineCollection(list(strokes), colors=colours, linewidths=3))
    axes.set_title("mixture: means (opacity = weight)")
    _mark_asked(axes)
    _frame(axes)


def _draw_densities(axes: Axes, lesson: Lesson) -> None:
    """How likely each y is at one x: in truth, to the mixture and to the regression."""
    y = torch.linspace(*Y_LIMITS, CURVE_POINTS)
    x = torch.full_like(y, ASKED_X)
    possible = (y >= 0) & (y <= 1) & ((forward(y) - ASKED_X).abs() <= NOISE)
    truth = true_log_density(Points(x, y)).exp() * possible
    mixture = lesson.answers(x).log_prob(y.unsqueeze(1)).squeeze(1).exp()
    axes.fill_betweenx(
        y, truth, step="mid", color=QUIET, alpha=0.45, linewidth=0, label="the truth"
    )
    axes.plot(mixture, y, color=BLUE, linewidth=2, label="mixture")
    axes.plot(_regression_density(lesson, y), y, color=ORANGE, linewidth=2, label="regression")
    axes.set_xlim(0, None)
    axes.set_ylim(*Y_LIMITS)
    axes.set_xlabel("density of y", labelpad=1)
    axes.set_title(f"what each says at x = {ASKED_X:g}")
    axes.legend(loc="upper right")


def _regression_density(lesson: Lesson, y: Float[Tensor, " N"]) -> Float[Tensor, " N"]:
    mean = float(lesson.mean_answer(torch.tensor([ASKED_X])))
    std = lesson.residual_std
    return torch.exp(-0.5 * ((y - mean) / std).square()) / (std * math.sqrt(2 * math.pi))


def _draw_samples(axes: Axes, lesson: Lesson, temperature: float, seed: int) -> None:
    _draw_points(axes, samples(lesson, temperature, seed), BLUE)
    axes.set_title(f"samples at τ = {temperature:.1f}")
    _frame(axes)


def _draw_points(axes: Axes, points: Points, colour: str, opacity: float = 0.55) -> None:
    axes.scatter(points.x, points.y, s=5, color=colour, alpha=opacity, linewidths=0)


def _mark_asked(axes: Axes) -> None:
    axes.axvline(ASKED_X, color=TEXT, linewidth=0.9, linestyle=(0, (4, 4)))


def _frame(axes: Axes) -> None:
    axes.set_xlim(*X_LIMITS)
    axes.set_ylim(*Y_LIMITS)
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.set_xlabel("x", labelpad=1)


def _curve_x(lesson: Lesson) -> Float[Tensor, " C"]:
    low, high = float(lesson.points.x.min()), float(lesson.points.x.max())
    return torch.linspace(low, high, CURVE_POINTS)
