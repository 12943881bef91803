"""Statistics of returns: the mean, its interval, and what a single episode gives."""

from __future__ import annotations

import math

import numpy as np
import pytest

from worldmodels.report.statistics import summarise


@pytest.fixture
def returns() -> list[float]:
    return [float(value) for value in np.random.default_rng(3).normal(870, 120, size=400)]


def test_mean_and_extremes_are_those_of_the_values() -> None:
    summary = summarise([4.0, 1.0, 7.0, 2.0])
    assert summary.episodes == 4
    assert summary.mean == 3.5
    assert (summary.minimum, summary.median, summary.maximum) == (1.0, 3.0, 7.0)


def test_std_is_the_population_standard_deviation() -> None:
    assert summarise([1.0, 3.0]).std == 1.0


def test_one_episode_has_no_spread() -> None:
    summary = summarise([906.0])
    assert summary.std == 0
    assert (summary.low, summary.high) == (906.0, 906.0)


@pytest.mark.parametrize("values", [[0.1] * 10, [-100.0, 900.0], [0.0] * 99 + [1e6]])
def test_interval_contains_the_mean(values: list[float]) -> None:
    summary = summarise(values)
    assert summary.low <= summary.mean <= summary.high


def test_interval_is_the_normal_approximation_for_many_episodes(returns: list[float]) -> None:
    summary = summarise(returns)
    half = 1.96 * summary.std / math.sqrt(len(returns))
    assert summary.low == pytest.approx(summary.mean - half, abs=0.05 * half)
    assert summary.high == pytest.approx(summary.mean + half, abs=0.05 * half)


def test_interval_holds_the_true_mean_in_about_95_of_100_samples() -> None:
    random = np.random.default_rng(0)
    hits = 0
    for _ in range(100):
        summary = summarise(random.exponential(200, size=100).tolist())
        hits += summary.low <= 200 <= summary.high
    assert 88 <= hits <= 99


def test_same_values_give_the_same_summary(returns: list[float]) -> None:
    assert summarise(returns) == summarise(returns)


def test_values_that_fill_several_blocks_of_draws_are_summarised() -> None:
    values = np.arange(2500.0)
    summary = summarise(values.tolist())
    half = 1.96 * values.std() / 50
    assert summary.high - summary.low == pytest.approx(2 * half, rel=0.05)


def test_no_values_are_refused() -> None:
    with pytest.raises(ValueError, match="no returns"):
        summarise([])
