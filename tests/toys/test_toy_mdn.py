"""The toy of M: its points, what is learnt of them, and the picture."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import distributions

from worldmodels.seeding import torch_generator
from worldmodels.toys import mdn
from worldmodels.toys.mdn_picture import ASKED_X, TEMPERATURES, samples


@pytest.fixture(scope="module")
def lesson() -> mdn.Lesson:
    return mdn.teach(seed=1)


def draw_points(count: int) -> mdn.Points:
    return mdn.draw_points(count, torch_generator("cpu", 3, "test"))


def is_possible(points: mdn.Points, slack: float = 0.0) -> torch.Tensor:
    """Which points the forward problem can give."""
    return (mdn.forward(points.y) - points.x).abs() <= mdn.NOISE + slack


def test_points_are_those_of_bishop() -> None:
    points = draw_points(20_000)
    noise = points.x - points.y - 0.3 * torch.sin(2 * torch.pi * points.y)
    assert 0 <= float(points.y.min()) < 0.001 < 0.999 < float(points.y.max()) <= 1
    assert -0.1001 < float(noise.min()) < -0.0999 < 0.0999 < float(noise.max()) < 0.1001


def test_true_density_is_the_share_of_points_in_a_range_of_y() -> None:
    points = draw_points(2_000_000)
    near = points.y[(points.x - ASKED_X).abs() < 0.002]
    middle_branch = (near > 0.14) & (near < 0.16)  # all possible answers
    density = mdn.true_log_density(mdn.Points(torch.tensor([ASKED_X]), torch.tensor([0.15]))).exp()
    assert float(middle_branch.float().mean()) == pytest.approx(0.02 * float(density), rel=0.1)


def test_mixture_beats_the_regression_and_comes_near_the_truth(lesson: mdn.Lesson) -> None:
    assert lesson.nll < lesson.regression_nll - 0.5
    assert lesson.true_nll < lesson.nll < lesson.true_nll + 0.4


def test_regression_is_scored_as_the_gaussian_that_fits_its_residuals(lesson: mdn.Lesson) -> None:
    points = lesson.points
    residuals = points.y - lesson.mean_answer(points.x)
    assert lesson.residual_std == pytest.approx(float(residuals.square().mean().sqrt()), rel=1e-4)
    others = draw_points(20_000)
    gaussian = distributions.Normal(lesson.mean_answer(others.x), lesson.residual_std)
    assert lesson.regression_nll == pytest.approx(
        -float(gaussian.log_prob(others.y).mean()), abs=0.02
    )


def test_regression_gives_an_impossible_answer_where_cool_samples_are_possible(
    lesson: mdn.Lesson,
) -> None:
    asked = torch.full((1000,), ASKED_X)
    assert not is_possible(mdn.Points(asked, lesson.mean_answer(asked))).any()
    random = torch.Generator().manual_seed(0)
    uniform, noise = torch.rand(1000, 1, generator=random), torch.randn(1000, 1, generator=random)
    drawn = lesson.answers(asked).sample(uniform, noise, 0.1).squeeze(1)
    assert is_possible(mdn.Points(asked, drawn)).float().mean() > 0.95


def test_the_hotter_the_samples_the_fewer_are_possible(lesson: mdn.Lesson) -> None:
    shares = [
        float(is_possible(samples(lesson, temperature, seed=1), slack=0.02).float().mean())
        for temperature in TEMPERATURES
    ]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > shares[-1] + 0.05


def test_the_same_seed_teaches_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mdn, "STEPS", 20)
    first, again, other = mdn.teach(1), mdn.teach(1), mdn.teach(2)
    assert (first.nll, first.regression_nll) == (again.nll, again.regression_nll)
    assert first.nll != other.nll
    np.testing.assert_array_equal(first.points.x, again.points.x)
