"""The rows of a batch that are computed."""

from __future__ import annotations

import numpy as np
import pytest

from worldmodels.models.batches import fitted


@pytest.mark.parametrize(
    ("count", "width", "size"),
    [(32, 32, 32), (17, 32, 32), (16, 32, 16), (5, 32, 8), (1, 32, 4), (1, 5, 5), (2, 12, 6)],
)
def test_sizes_are_the_width_halved_as_often_as_possible(count: int, width: int, size: int) -> None:
    assert len(fitted(np.arange(count), width)) == size


def test_the_asked_for_rows_come_first_and_none_twice() -> None:
    rows = fitted(np.array([9, 2, 5]), 16)
    assert rows[:3].tolist() == [9, 2, 5]
    assert len(set(rows.tolist())) == len(rows)
