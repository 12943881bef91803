"""The statistics of an agent's returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

CONFIDENCE = 0.95
NUM_RESAMPLES = 10_000
SEED = 0  # fixed, so that the same returns always give the same interval
DRAWS_AT_ONCE = 1_000_000  # bounds the memory of the bootstrap to some 16 MB


@dataclass(frozen=True)
class Summary:
    """Returns of several episodes, in the game's units of reward."""

    episodes: int
    mean: float
    std: float  # population standard deviation over episodes (ddof=0)
    low: float  # 95 % bootstrap interval of the mean
    high: float
    minimum: float
    median: float
    maximum: float


def summarise(values: Sequence[float]) -> Summary:
    """Describe the returns `values`, one an episode.

    `std` is the population standard deviation over episodes (ddof=0), the one that published
    scores print behind the sign ±; it is 0 for one episode. `low` and `high` are the percentile
    bootstrap interval of the mean (Efron 1979), the same at every call. Raises ValueError when
    `values` is empty.
    """
    returns = np.asarray(values, np.float64)
    if returns.size == 0:
        raise ValueError("there are no returns to summarise")
    mean = float(returns.mean())
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(_resampled_means(returns), [tail, 1 - tail])
    return Summary(
        episodes=returns.size,
        mean=mean,
        std=float(returns.std()),
        low=min(float(low), mean),  # equal returns may round to means that differ in the last bit
        high=max(float(high), mean),
        minimum=float(returns.min()),
        median=float(np.median(returns)),
        maximum=float(returns.max()),
    )


@dataclass(frozen=True)
class Pairs:
    """Returns of the same episodes played in two ways."""

    first: Summary
    second: Summary
    difference: Summary  # of second minus first, episode by episode
    equal: int  # episodes whose two returns are exactly the same


def summarise_pairs(first: Sequence[float], second: Sequence[float]) -> Pairs:
    """Describe the returns of the same episodes, in the same order.

    The interval of the mean difference is that of `summarise` for the differences: what makes
    both returns of an episode high or low cancels out. Raises ValueError unless there are pairs.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} returns are no pairs")
    differences = [b - a for a, b in zip(first, second, strict=True)]
    return Pairs(summarise(first), summarise(second), summarise(differences), differences.count(0))


def _resampled_means(returns: Float[np.ndarray, " N"]) -> Float[np.ndarray, " R"]:
    """Means of resamples drawn with replacement, each as long as `returns`."""
    random = np.random.default_rng(SEED)
    block = max(1, DRAWS_AT_ONCE // returns.size)
    means = []
    for start in range(0, NUM_RESAMPLES, block):
        count = min(block, NUM_RESAMPLES - start)
        means.append(returns[random.integers(returns.size, size=(count, returns.size))].mean(1))
    return np.concatenate(means)
