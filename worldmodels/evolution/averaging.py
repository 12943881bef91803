"""The average of the search's own path."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def averaged(
    average: Float[np.ndarray, " D"],
    mean: Float[np.ndarray, " D"],
    generation: int,
    window: int,
) -> Float[np.ndarray, " D"]:
    """`average` of the means before, with that of generation `generation` (from 1) taken in.

    Where returns are mostly noise, the mean of CMA-ES ends up wandering around the best it could
    be, and what it wanders cancels out in its average (Polyak & Juditsky 1992). All generations
    weigh alike until there are `window`; from then on older ones fade, by 1/`window` each.
    """
    weight = 1 / min(generation, window)
    updated: Float[np.ndarray, " D"] = (1 - weight) * average + weight * mean
    return updated
