"""The average of a search's path."""

from __future__ import annotations

import numpy as np

from worldmodels.evolution.averaging import averaged


def test_it_is_the_plain_mean_until_the_window_is_full() -> None:
    means = np.random.default_rng(1).normal(size=(5, 3))
    average = np.full(3, 99.0)  # the start of the search has no part in it
    for generation, mean in enumerate(means, 1):
        average = averaged(average, mean, generation, 5)
        np.testing.assert_allclose(average, means[:generation].mean(0))


def test_older_generations_fade_once_it_is() -> None:
    average = averaged(np.zeros(1), np.ones(1), 100, 4)
    assert average == 0.25
    assert averaged(average, np.zeros(1), 101, 4) == 0.1875


def test_a_window_of_one_is_the_mean_itself() -> None:
    np.testing.assert_array_equal(averaged(np.zeros(2), np.array([0.1, 0.7]), 9, 1), [0.1, 0.7])
