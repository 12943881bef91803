"""A population in blocks."""

from __future__ import annotations

import numpy as np

from worldmodels.evolution.blocks import block_of, standings
from worldmodels.evolution.cmaes import CmaEs


def test_blocks_are_runs_of_neighbours_of_nearly_equal_size() -> None:
    assert block_of(7, 3).tolist() == [0, 0, 0, 1, 1, 2, 2]
    assert np.bincount(block_of(256, 8)).tolist() == [32] * 8
    assert block_of(4, 1).tolist() == [0, 0, 0, 0]


def test_candidates_stand_in_the_order_of_their_returns() -> None:
    returns = np.array([5.0, -1.0, 9.0, 5.0])
    assert standings(returns, np.zeros(4, int)).tolist() == [0.5, 0.125, 0.875, 0.5]


def test_what_a_block_has_in_common_does_not_count() -> None:
    returns = np.random.default_rng(1).normal(size=12)
    block = block_of(12, 3)
    easier = returns + 100.0 * block
    np.testing.assert_array_equal(standings(easier, block), standings(returns, block))


def test_the_search_learns_more_from_many_tracks_than_from_one() -> None:
    """Tracks that each ask for something else, around what all ask for."""

    def distance(blocks: int) -> float:
        random = np.random.default_rng(2)
        search = CmaEs(np.zeros(20), 64, 0.3, 1)
        for _ in range(60):
            block = block_of(64, blocks)
            wanted = 1 + random.normal(size=(blocks, 20))[block]
            difficulty = 100 * random.normal(size=blocks)[block]
            returns = difficulty - ((search.ask() - wanted) ** 2).sum(1)
            search.tell(standings(returns, block))
        return float(np.linalg.norm(search.mean - 1))

    assert distance(blocks=8) < distance(blocks=1) / 1.5
