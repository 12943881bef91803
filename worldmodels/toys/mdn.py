"""The idea behind M: a mixture can say that there are several answers, where a mean says none."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from worldmodels.metrics import Progress
from worldmodels.models.mdn import Mixture, split_mixture
from worldmodels.seeding import derive, torch_generator, torch_seeded

POINTS = 1000  # as many as Bishop's
HELD_OUT = 5_000
NOISE = 0.1  # half the width of its uniform distribution
HIDDEN = 20
STRETCH = 8.0  # of x: unstretched, the regression would stay a straight line for very long
COMPONENTS = 3  # the inverse of the sinusoid has up to three branches
STEPS = 1500
LEARNING_RATE = 0.02
GRID = 2001  # values of y that the true density is summed over


@dataclass(frozen=True)
class Points:
    """Inputs x with one of their possible answers y each."""

    x: Float[Tensor, " N"]
    y: Float[Tensor, " N"]


@dataclass(frozen=True)
class Lesson:
    """What two equal networks have learnt of the same points."""

    points: Points
    mixture: nn.Module
    regression: nn.Module
    residual_std: float  # of the regression, on the points it was fitted to
    nll: float  # mean negative log-likelihood of held-out points in nats: the mixture's
    regression_nll: float  # that of a Gaussian of `residual_std` around the regression
    true_nll: float  # that of the distribution which the points are from: none is better

    def answers(self, x: Float[Tensor, " N"]) -> Mixture:
        """The mixture of one dimension that the network answers to each x."""
        with torch.no_grad():
            return split_mixture(self.mixture(_inputs(x)), COMPONENTS)

    def mean_answer(self, x: Float[Tensor, " N"]) -> Float[Tensor, " N"]:
        """The regression's answer to each x."""
        with torch.no_grad():
            y: Tensor = self.regression(_inputs(x)).squeeze(1)
        return y


def forward(y: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The easy direction, from y to x without its noise: an answer has one question."""
    x: Tensor = y + 0.3 * torch.sin(2 * math.pi * y)
    return x


def draw_points(count: int, random: torch.Generator) -> Points:
    """The inverse problem of Bishop (1994), "Mixture Density Networks", section 5.1.

    y is uniform in [0, 1], and x = y + 0.3 sin(2 pi y) + noise, uniform in [-0.1, 0.1].
    """
    y = torch.rand(count, generator=random)
    noise = NOISE * (2 * torch.rand(count, generator=random) - 1)
    return Points(forward(y) + noise, y)


def true_log_density(points: Points) -> Float[Tensor, " N"]:
    """log p(y|x) of points that `draw_points` can give, in nats.

    All y that can have given x are equally likely: the density is 1 over the measure of that set.
    """
    grid = forward(torch.linspace(0, 1, GRID))
    possible = (points.x.unsqueeze(1) - grid).abs() <= NOISE
    return -possible.float().mean(1).clamp(min=1 / GRID).log()


def teach(seed: int) -> Lesson:
    """Fit a mixture density network, and the same network with a squared error, to points."""
    points = draw_points(POINTS, torch_generator("cpu", seed, "toy mdn", "points"))
    others = draw_points(HELD_OUT, torch_generator("cpu", seed, "toy mdn", "held out"))
    with torch_seeded(derive(seed, "toy mdn", "weights")):
        mixture, regression = _network(3 * COMPONENTS), _network(1)

    def mixture_nll(which: Points) -> Tensor:
        answers = split_mixture(mixture(_inputs(which.x)), COMPONENTS)
        return -answers.log_prob(which.y.unsqueeze(1)).mean()

    def squared_error(which: Points) -> Tensor:
        error: Tensor = regression(_inputs(which.x)).squeeze(1) - which.y
        return error.square().mean()

    with Progress("toy mdn", 2 * STEPS, "step") as progress:
        for network, loss in ((mixture, mixture_nll), (regression, squared_error)):
            optimiser = torch.optim.Adam(network.parameters(), LEARNING_RATE)
            schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
            for _ in range(STEPS):
                optimiser.zero_grad()
                loss(points).backward()
                optimiser.step()
                schedule.step()
                progress.update()

    with torch.no_grad():
        variance = float(squared_error(points))
        half_log = 0.5 * math.log(2 * math.pi * variance)
        return Lesson(
            points,
            mixture,
            regression,
            math.sqrt(variance),
            float(mixture_nll(others)),
            half_log + 0.5 * float(squared_error(others)) / variance,
            -float(true_log_density(others).mean()),
        )


def _inputs(x: Float[Tensor, " N"]) -> Float[Tensor, "N 1"]:
    return STRETCH * (x.unsqueeze(1) - 0.5)


def _network(outputs: int) -> nn.Module:
    return nn.Sequential(nn.Linear(1, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, outputs))
