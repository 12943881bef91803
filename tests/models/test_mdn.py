"""The mixture: densities against torch.distributions, draws against their own statistics."""

from __future__ import annotations

import math

import pytest
import torch
from torch import distributions

from worldmodels.models.mdn import Mixture, split_mixture


def random_mixture(*shape: int, seed: int = 0) -> Mixture:
    random = torch.Generator().manual_seed(seed)
    logits, mean, log_std = (torch.randn(*shape, generator=random) for _ in range(3))
    return Mixture(2 * logits, 3 * mean, log_std)


def draws(mixture: Mixture, count: int, temperature: float) -> torch.Tensor:
    """(count,) draws from a mixture of one dimension."""
    random = torch.Generator().manual_seed(1)
    wide = Mixture(
        *(part.expand(count, 1, -1) for part in (mixture.logits, mixture.mean, mixture.log_std))
    )
    uniform = torch.rand(count, 1, generator=random)
    return wide.sample(uniform, torch.randn(count, 1, generator=random), temperature)[:, 0]


def single(logits: list[float], mean: list[float], std: list[float]) -> Mixture:
    """One dimension, one batch entry."""
    parts = torch.tensor(logits), torch.tensor(mean), torch.tensor(std).log()
    return Mixture(*(part.reshape(1, 1, -1) for part in parts))


def test_log_prob_equals_that_of_torch_distributions() -> None:
    mixture = random_mixture(4, 7, 3, 5)
    value = 3 * torch.randn(4, 7, 3, generator=torch.Generator().manual_seed(2))
    reference = distributions.MixtureSameFamily(
        distributions.Categorical(logits=mixture.logits),
        distributions.Normal(mixture.mean, mixture.log_std.exp()),
    )
    torch.testing.assert_close(mixture.log_prob(value), reference.log_prob(value))


def test_density_integrates_to_one() -> None:
    mixture = single([0.0, 1.0, -1.0], [-1.0, 0.5, 2.0], [0.3, 1.0, 0.1])
    grid = torch.linspace(-12, 12, 200_001, dtype=torch.float64)
    density = mixture.log_prob(grid.reshape(-1, 1)).exp()
    assert float(density.sum() * (grid[1] - grid[0])) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("value", [1e3, -1e3, 1e6])
def test_log_prob_of_a_far_off_value_is_finite(value: float) -> None:
    assert torch.isfinite(random_mixture(2, 3, 5).log_prob(torch.full((2, 3), value))).all()


def test_gradient_at_a_far_off_value_is_finite() -> None:
    raw = torch.randn(1, 45, generator=torch.Generator().manual_seed(0)).requires_grad_()
    split_mixture(raw, 5).log_prob(torch.full((1, 3), 1e3)).sum().backward()
    assert raw.grad is not None
    assert torch.isfinite(raw.grad).all()


def test_split_gives_logits_then_means_then_deviations() -> None:
    mixture = split_mixture(torch.arange(24.0).reshape(1, 24), mixtures=2)
    assert mixture.logits.flatten().tolist() == list(range(8))
    assert mixture.mean.flatten().tolist() == list(range(8, 16))
    assert mixture.log_std.flatten().tolist() == list(range(16, 24))


def test_components_are_drawn_as_often_as_they_weigh() -> None:
    weight = torch.tensor([0.1, 0.2, 0.7])
    mixture = single(weight.log().tolist(), [-100.0, 0.0, 100.0], [1.0, 1.0, 1.0])
    drawn = draws(mixture, 20_000, temperature=1.0)
    share = torch.stack([(drawn < -50), (drawn.abs() <= 50), (drawn > 50)]).float().mean(1)
    torch.testing.assert_close(share, weight, atol=0.012, rtol=0)


def test_draws_have_the_components_mean_and_deviation() -> None:
    drawn = draws(single([0.0], [3.0], [0.5]), 20_000, temperature=1.0)
    assert float(drawn.mean()) == pytest.approx(3.0, abs=0.015)
    assert float(drawn.std()) == pytest.approx(0.5, rel=0.03)


def test_temperature_divides_the_logits() -> None:
    tau, logits = 2.5, torch.tensor([0.0, 2.0])
    drawn = draws(single(logits.tolist(), [-100.0, 100.0], [1.0, 1.0]), 20_000, tau)
    expected = torch.softmax(logits / tau, 0)[1]
    assert float((drawn > 0).float().mean()) == pytest.approx(float(expected), abs=0.012)


@pytest.mark.parametrize("tau", [0.1, 1.0, 1.3])
def test_temperature_scales_the_deviation_by_its_root(tau: float) -> None:
    drawn = single([0.0], [3.0], [0.5]).sample(torch.zeros(1, 1), torch.ones(1, 1), tau)
    assert float(drawn) == pytest.approx(3.0 + 0.5 * math.sqrt(tau), abs=1e-6)


@pytest.mark.parametrize(("uniform", "component"), [(0.0, 0), (0.249, 0), (0.251, 1), (1.0, 1)])
def test_the_uniform_number_picks_the_component(uniform: float, component: int) -> None:
    mixture = single([math.log(0.25), math.log(0.75)], [0.0, 1.0], [1.0, 1.0])
    drawn = mixture.sample(torch.full((1, 1), uniform), torch.zeros(1, 1), 1.0)
    assert float(drawn) == component
