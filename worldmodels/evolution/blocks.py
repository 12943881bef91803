"""A population in blocks, each with episodes of its own, and compared within itself.

Candidates can only be compared on the same episodes. If all play one track, a generation learns
that track; if each plays many, it takes many times as long. In blocks (Fisher 1935, "The Design of
Experiments") a generation sees as many tracks as there are blocks and still plays each candidate
once: what the tracks differ in cancels out, because no candidate is compared with those of another
block.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int


def block_of(population: int, blocks: int) -> Int[np.ndarray, " P"]:
    """The block of each candidate: `blocks` runs of neighbours, as equal in size as can be."""
    return np.arange(population) * blocks // population


def standings(
    returns: Float[np.ndarray, " P"], block: Int[np.ndarray, " P"]
) -> Float[np.ndarray, " P"]:
    """The share of its block that each candidate beats, in [0, 1); one that equals it counts half.

    Only the order matters to CMA-ES, so this is all that it can learn from a block.
    """
    result = np.zeros(len(returns))
    for number in np.unique(block):
        own = returns[block == number]
        worse = (own[:, np.newaxis] > own).sum(1)
        equal = (own[:, np.newaxis] == own).sum(1)
        result[block == number] = (worse + equal / 2) / len(own)
    return result
