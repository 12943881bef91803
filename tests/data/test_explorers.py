"""Explorers: within the bounds, reproducible, and with the character that they claim."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby

import numpy as np
import pytest

from worldmodels.data.explorers import (
    Brownian,
    Explorer,
    ExplorerPolicy,
    Held,
    RandomController,
    Wandering,
)
from worldmodels.experiments.carracing import squash_array

LOW, HIGH = np.array([-1, 0, 0]), np.array([1, 1, 1])
FRAMES = np.random.default_rng(0).integers(0, 256, (8, 64, 64, 3), dtype=np.uint8)
Make = Callable[[np.random.Generator], Explorer]
KINDS: dict[str, Make] = {
    "controller": lambda random: RandomController(random, 3, squash_array),
    "brownian": lambda random: Brownian(random, [-1, 0, 0], [1, 1, 1]),
    "held": lambda random: Held(random, [-1, 0, 0], [1, 1, 1], longest=10),
    "wandering": lambda random: Wandering(random, [-1, 0, 0], [1, 1, 1], longest=10, stretch=150),
}
every_kind = pytest.mark.parametrize("make", KINDS.values(), ids=KINDS.keys())


def actions(make: Make, seed: int, count: int = 200) -> np.ndarray:
    explorer = make(np.random.default_rng(seed))
    return np.stack([explorer(FRAMES[i % len(FRAMES)]) for i in range(count)])


@every_kind
def test_actions_stay_within_the_bounds(make: Make) -> None:
    for seed in range(10):
        taken = actions(make, seed)
        assert taken.dtype == np.float32
        assert ((taken >= LOW) & (taken <= HIGH)).all()


@every_kind
def test_the_same_seed_gives_the_same_actions(make: Make) -> None:
    np.testing.assert_array_equal(actions(make, 3), actions(make, 3))


@every_kind
def test_different_seeds_give_different_actions(make: Make) -> None:
    assert len({actions(make, seed).tobytes() for seed in range(20)}) == 20


@every_kind
def test_an_action_that_was_handed_out_does_not_change_later(make: Make) -> None:
    explorer = make(np.random.default_rng(0))
    first = explorer(FRAMES[0])
    copy = first.copy()
    for _ in range(20):
        explorer(FRAMES[1])
    np.testing.assert_array_equal(first, copy)


def test_held_actions_last_one_to_ten_steps_equally_often() -> None:
    taken = actions(lambda random: Held(random, [-1], [1], longest=10), seed=0, count=11_000)
    lengths = [len(list(run)) for _, run in groupby(taken[:, 0].tolist())][:-1]
    share = np.bincount(lengths, minlength=11)[1:] / len(lengths)
    assert set(lengths) == set(range(1, 11))
    np.testing.assert_allclose(share, 0.1, atol=0.03)


def test_wandering_gets_several_times_as_far_as_holding() -> None:
    def farthest(make: Make, seed: int) -> float:
        return float(np.abs(np.cumsum(actions(make, seed, 300)[:, 0])).max())

    reached = {
        kind: np.median([farthest(KINDS[kind], seed) for seed in range(40)])
        for kind in ("held", "wandering")
    }
    assert reached["wandering"] > 2 * reached["held"]


def test_brownian_actions_drift_in_small_steps_over_the_whole_range() -> None:
    taken = actions(KINDS["brownian"], seed=0, count=2000)
    assert np.abs(np.diff(taken, axis=0)).max() < 1
    assert (taken.min(0) < LOW + 0.1).all()
    assert (taken.max(0) > HIGH - 0.1).all()


def test_the_random_controller_looks_at_the_frame() -> None:
    def act(frame: np.ndarray) -> np.ndarray:
        return KINDS["controller"](np.random.default_rng(0))(frame)

    assert not np.array_equal(act(np.zeros_like(FRAMES[0])), act(np.full_like(FRAMES[0], 255)))


def test_side_by_side_each_episode_explores_by_its_own_seed() -> None:
    def play(width: int, slot: int) -> np.ndarray:
        policy = ExplorerPolicy(KINDS["brownian"], width, 3)
        policy.begin(np.arange(width), np.arange(width) + 100, np.zeros(width, np.int64))
        policy.begin(np.array([slot]), np.array([7]), np.array([0]))
        return np.stack([policy.act(FRAMES[:width])[slot] for _ in range(10)])

    np.testing.assert_array_equal(play(width=4, slot=2), play(width=1, slot=0))


def test_slots_without_an_episode_stand_still() -> None:
    policy = ExplorerPolicy(KINDS["brownian"], 3, 3)
    policy.begin(np.array([1]), np.array([7]), np.array([0]))
    taken = policy.act(FRAMES[:3])
    assert not taken[[0, 2]].any()
    assert taken[1].any()
