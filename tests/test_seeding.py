"""Seeds: derived by name, the same everywhere, independent of each other."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from worldmodels.seeding import derive, generator, torch_generator


def test_a_derived_seed_never_changes() -> None:
    # First four bytes of the SHA-256 of "1/extract/0" and "0", little-endian, halved.
    assert derive(1, "extract", 0) == 585016995
    assert derive(0) == 863368751


def test_names_give_the_same_seed_in_another_process() -> None:
    code = "from worldmodels.seeding import derive; print(derive(3, 'eval', 12))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert int(out.stdout) == derive(3, "eval", 12)


def test_seeds_are_what_every_game_accepts() -> None:
    seeds = [derive(0, "episode", number) for number in range(2000)]
    assert min(seeds) >= 0
    assert max(seeds) < 2**31
    assert max(seeds) > 2**30


def test_roots_names_and_numbers_give_different_seeds() -> None:
    seeds = {derive(root, name, i) for root in range(5) for name in "abc" for i in range(100)}
    assert len(seeds) == 1500


def test_the_order_of_names_counts() -> None:
    assert derive(0, "a", "b") != derive(0, "b", "a")


@pytest.mark.parametrize("make", [generator, lambda *a: torch_generator("cpu", *a)])
def test_a_generator_draws_the_same_numbers_for_the_same_names_alone(make) -> None:
    def draw(*names) -> list[float]:
        random = make(*names)
        if isinstance(random, torch.Generator):
            return torch.rand(5, generator=random).tolist()
        return random.random(5).tolist()

    assert draw(1, "a", 2) == draw(1, "a", 2)
    assert len({tuple(draw(*names)) for names in [(1, "a", 2), (1, "a", 3), (2, "a", 2)]}) == 3


def test_neighbouring_streams_are_uncorrelated() -> None:
    draws = np.stack([generator(0, "episode", i).normal(size=5000) for i in range(8)])
    assert np.abs(np.corrcoef(draws) - np.eye(8)).max() < 0.06
