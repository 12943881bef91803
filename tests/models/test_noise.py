"""Counter-based noise: distributed as claimed, and a function of seed, step and stream alone."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
import torch

from worldmodels.models import noise

SEEDS = torch.arange(100, 2100)
STEPS = torch.arange(2000) % 50
SIZE = 20
COUNT = len(SEEDS) * SIZE
KS_LIMIT = 1.95 / np.sqrt(COUNT)  # a fair sample goes beyond it once in a thousand times


def largest_gap(sample: np.ndarray, distribution: np.ndarray) -> float:
    """Kolmogorov and Smirnov's statistic; `distribution` is its function at the sorted sample."""
    steps = np.arange(len(sample) + 1) / len(sample)
    return float(max((steps[1:] - distribution).max(), (distribution - steps[:-1]).max()))


def correlation(left: torch.Tensor, right: torch.Tensor) -> float:
    return float(np.corrcoef(left.numpy().ravel(), right.numpy().ravel())[0, 1])


def test_uniform_numbers_follow_the_uniform_distribution() -> None:
    sample = np.sort(noise.uniform(SEEDS, STEPS, 0, SIZE).numpy().ravel().astype(np.float64))
    assert largest_gap(sample, sample) < KS_LIMIT


def test_uniform_numbers_have_mean_one_half_and_variance_one_twelfth() -> None:
    sample = noise.uniform(SEEDS, STEPS, 0, SIZE)
    assert float(sample.mean()) == pytest.approx(1 / 2, abs=4 * np.sqrt(1 / 12 / COUNT))
    assert float(sample.var()) == pytest.approx(1 / 12, rel=0.02)


@pytest.mark.parametrize("bits", [0, -1], ids=["all zero", "all one"])
def test_the_most_extreme_bits_stay_inside_the_open_interval(
    bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(noise, "_mixed", lambda x: torch.full_like(x, bits))
    drawn = noise.uniform(SEEDS[:1], STEPS[:1], 0, 1)
    assert 0 < float(drawn) < 1
    assert torch.isfinite(noise.normal(SEEDS[:1], STEPS[:1], 0, 1)).all()


def test_normal_numbers_follow_the_normal_distribution() -> None:
    sample = np.sort(noise.normal(SEEDS, STEPS, 0, SIZE).numpy().ravel())
    expected = np.vectorize(NormalDist().cdf)(sample)
    assert largest_gap(sample, expected) < KS_LIMIT


def test_normal_numbers_have_the_normal_distributions_moments() -> None:
    sample = noise.normal(SEEDS, STEPS, 0, SIZE).numpy().ravel().astype(np.float64)
    moments = [float((sample**power).mean()) for power in (1, 2, 3, 4)]
    assert moments == pytest.approx([0, 1, 0, 3], abs=0.1)


@pytest.mark.parametrize("place", [0, 1, 6, 1999])
@pytest.mark.parametrize("draw", [noise.uniform, noise.normal])
def test_a_row_depends_bit_for_bit_on_its_own_seed_and_step_alone(draw, place: int) -> None:
    batch = draw(SEEDS, STEPS, 3, 33)
    alone = draw(SEEDS[place : place + 1], STEPS[place : place + 1], 3, 33)
    assert torch.equal(batch[place], alone[0])


def test_more_numbers_begin_with_the_same_ones() -> None:
    assert torch.equal(noise.uniform(SEEDS, STEPS, 0, 40)[:, :7], noise.uniform(SEEDS, STEPS, 0, 7))


def test_the_next_seed_the_next_step_and_the_next_stream_are_uncorrelated() -> None:
    base = noise.uniform(SEEDS, STEPS, 0, SIZE)
    others = [
        noise.uniform(SEEDS + 1, STEPS, 0, SIZE),
        noise.uniform(SEEDS, STEPS + 1, 0, SIZE),
        noise.uniform(SEEDS, STEPS, 1, SIZE),
        noise.uniform(STEPS, SEEDS, 0, SIZE),
    ]
    assert max(abs(correlation(base, other)) for other in others) < 4 / np.sqrt(COUNT)


def test_dimensions_are_uncorrelated() -> None:
    table = np.corrcoef(noise.normal(SEEDS, STEPS, 0, SIZE).numpy().T)
    assert np.abs(table - np.eye(SIZE)).max() < 5 / np.sqrt(len(SEEDS))


def test_no_number_is_shared_between_seeds_and_steps() -> None:
    seed, step = torch.meshgrid(torch.arange(40), torch.arange(40), indexing="ij")
    drawn = noise.uniform(seed.flatten(), step.flatten(), 0, 4)
    assert len({tuple(row) for row in drawn.tolist()}) == 1600
