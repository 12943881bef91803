"""CMA-ES finds optima, and continues after a restore as if nothing had happened."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from worldmodels.evolution.cmaes import CmaEs

TARGET = np.array([0.3, -0.2, 0.5, 0.1])


def returns(candidates: np.ndarray) -> np.ndarray:
    """Larger is better, largest at TARGET."""
    return -np.square(candidates - TARGET).sum(1)


def test_the_search_starts_at_zero_with_the_given_spread() -> None:
    search = CmaEs(np.zeros(200), 64, 0.1, seed=1)
    candidates = search.ask()
    assert candidates.shape == (64, 200)
    assert abs(candidates.mean()) < 0.005
    assert abs(candidates.std() - 0.1) < 0.005


def test_the_search_maximises() -> None:
    search = CmaEs(np.zeros(4), 12, 0.3, seed=1)
    for _ in range(80):
        search.tell(returns(search.ask()))
    np.testing.assert_allclose(search.mean, TARGET, atol=1e-3)


def test_scales_are_learnt_sooner_with_diagonal() -> None:
    stiffness = np.logspace(0, 4, 60)

    def distance(diagonal: bool) -> float:
        search = CmaEs(np.ones(60), 16, 0.3, 1, diagonal)
        for _ in range(250):
            search.tell(-(np.square(search.ask()) @ stiffness))
        return float(np.square(search.mean) @ stiffness)

    assert distance(True) < distance(False) / 10


def test_in_noise_the_losers_tell_as_much_as_the_winners() -> None:
    slope = np.zeros(100)
    slope[0] = 0.2

    def straightness(losers: bool, seed: int) -> float:
        """The cosine between the way of the mean and the slope, after one generation."""
        search = CmaEs(np.zeros(100), 200, 1.0, seed, losers=losers)
        noise = np.random.default_rng(1000 + seed).standard_normal(200)
        search.tell(search.ask() @ slope + noise)
        return float(search.mean[0] / np.linalg.norm(search.mean))

    alone, both = (np.mean([straightness(k, n) for n in range(100)]) for k in (False, True))
    assert both > 1.2 * alone > 0  # the square root of two, where half of the weights are theirs


def test_with_losers_it_finds_the_optimum_and_goes_on_after_a_restore() -> None:
    search = CmaEs(np.zeros(4), 24, 0.3, seed=1, losers=True)
    for _ in range(5):
        search.tell(returns(search.ask()))
    restored = CmaEs.restore(search.state(), losers=True)
    for _ in range(100):
        for one in (search, restored):
            one.tell(returns(one.ask()))
    np.testing.assert_array_equal(search.mean, restored.mean)
    np.testing.assert_allclose(search.mean, TARGET, atol=1e-3)


def test_the_step_size_grows_to_its_bound_and_no_further() -> None:
    free, bound = CmaEs(np.zeros(4), 12, 0.1, 1), CmaEs(np.zeros(4), 12, 0.1, 1, max_sigma=0.15)
    for _ in range(20):
        for search in (free, bound):
            search.tell(search.ask().sum(1))  # a slope without an end
    assert bound.sigma == 0.15 < free.sigma
    restored = CmaEs.restore(bound.state(), max_sigma=0.15)
    restored.tell(restored.ask().sum(1))
    assert restored.sigma == 0.15


def test_the_step_size_shrinks_to_its_bound_and_no_further() -> None:
    free, bound = CmaEs(np.zeros(4), 12, 0.1, 1), CmaEs(np.zeros(4), 12, 0.1, 1, min_sigma=0.05)
    for _ in range(40):
        for search in (free, bound):
            search.tell(returns(search.ask() + TARGET))  # it begins at the optimum
    assert free.sigma < 0.05 == bound.sigma
    restored = CmaEs.restore(bound.state(), min_sigma=0.05)
    restored.tell(returns(restored.ask() + TARGET))
    assert restored.sigma == 0.05


@pytest.mark.parametrize("diagonal", [False, True])
def test_the_covariance_is_that_of_the_candidates(diagonal: bool) -> None:
    search = CmaEs(np.zeros(3), 4000, 0.3, 1, diagonal)
    for _ in range(3):
        search.tell(-(search.ask() ** 2 @ np.array([1.0, 10.0, 100.0])))
    covariance = search.covariance
    shape = np.diag(1 / np.sqrt(np.diag(covariance)))
    sampled = shape @ np.cov(search.ask().T) @ shape
    np.testing.assert_allclose(sampled, shape @ covariance @ shape, atol=0.1)
    assert covariance[0, 0] > 3 * covariance[2, 2]


def test_the_same_seed_gives_the_same_candidates_whatever_numpy_s_global_state() -> None:
    one, other = CmaEs(np.zeros(5), 6, 0.1, seed=3), CmaEs(np.zeros(5), 6, 0.1, seed=3)
    first = one.ask()
    np.random.random(17)  # noqa: NPY002 - the very state that must not matter
    np.testing.assert_array_equal(first, other.ask())


@pytest.mark.parametrize("diagonal", [False, True])
def test_a_restored_search_continues_bit_for_bit(diagonal: bool) -> None:
    whole, parts = (CmaEs(np.zeros(30), 10, 0.1, 3, diagonal) for _ in range(2))
    target = np.linspace(-1, 1, 30)
    for generation in range(40):
        for search in (whole, parts):
            search.tell(-np.square(search.ask() - target).sum(1))
        if generation == 17:
            parts = CmaEs.restore(parts.state())
    np.testing.assert_array_equal(whole.mean, parts.mean)
    assert whole.sigma == parts.sigma
    np.testing.assert_array_equal(whole.ask(), parts.ask())


def test_candidates_do_not_depend_on_the_threads_of_linear_algebra() -> None:
    code = (
        "import numpy as np; from worldmodels.evolution.cmaes import CmaEs\n"
        "s = CmaEs(np.zeros(300), 16, 0.1, 3)\n"
        "for _ in range(25): s.tell(-np.square(s.ask() - 1).sum(1))\n"
        "print(s.mean.tobytes().hex())"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={"OPENBLAS_NUM_THREADS": threads, "PATH": ""},
            capture_output=True,
            check=True,
        ).stdout
        for threads in ("1", "2")
    ]
    assert outputs[0] == outputs[1]
