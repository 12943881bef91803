"""Statistics of returns: the mean, its interval, and what a single episode gives."""

from __future__ import annotations

import math

import numpy as np
import pytest

from worldmodels.report.statistics import summarise, summarise_pairs


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


def test_what_both_returns_of_a_pair_share_does_not_widen_the_interval_of_their_difference() -> (
    None
):
    random = np.random.default_rng(0)
    first = random.normal(900, 200, size=50)
    pairs = summarise_pairs(first.tolist(), (first + random.normal(3, 1, size=50)).tolist())
    assert pairs.difference.high - pairs.difference.low < 1
    assert pairs.difference.low < 3 < pairs.difference.high
    assert pairs.first.high - pairs.first.low > 50


def test_a_difference_is_the_second_return_minus_the_first() -> None:
    pairs = summarise_pairs([1.0, 2.0], [4.0, 6.0])
    assert (pairs.first.mean, pairs.second.mean, pairs.difference.mean) == (1.5, 5.0, 3.5)


def test_only_exactly_equal_returns_count_as_equal() -> None:
    assert summarise_pairs([0.1, 0.3, 5.0], [0.1, 0.1 + 0.2, 5.0]).equal == 2


@pytest.mark.parametrize(("first", "second"), [([], []), ([1.0], []), ([1.0], [1.0, 2.0])])
def test_returns_that_are_no_pairs_are_refused(first: list[float], second: list[float]) -> None:
    with pytest.raises(ValueError, match="returns"):
        summarise_pairs(first, second)
