"""Which rows of a batch are computed when some of its episodes are over."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int

FEWEST_ROWS = 4


def fitted(index: Int[np.ndarray, " N"], width: int) -> Int[np.ndarray, " M"]:
    """`index` and so many of the other rows that M is `width` halved as often as is possible.

    Few sizes of batches, and none below four rows, because the last bits of a matrix product may
    depend on its number of rows where that is very small.
    """
    size = width
    while size % 2 == 0 and size // 2 >= max(len(index), FEWEST_ROWS):
        size //= 2
    others = np.setdiff1d(np.arange(width), index, assume_unique=True)
    return np.concatenate([index, others[: size - len(index)]])
