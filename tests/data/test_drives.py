"""Drives on disk: they read back the same, or not at all."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from worldmodels.data.drives import Drive, drive_path, load_drive, save_drive

T, N = 5, 3


@pytest.fixture
def drive() -> Drive:
    random = np.random.default_rng(0)
    return Drive(
        pixel_error=random.random(T + 1),
        reward=random.random((2, T)),
        drift={"hull_centre_m": random.random(T + 1), "hull_angle_rad": random.random(T + 1)},
        length=np.array([T, T + 2]),
        terminated=np.array([True, False]),
        truncated=np.array([False, True]),
        shown=np.array([0, 3, 1]),
        frame=random.integers(0, 256, (2, N, 64, 64, 3), np.uint8),
        seed=1_000_007,
    )


def test_a_drive_reads_back_the_same(drive: Drive, tmp_path: Path) -> None:
    path = drive_path(tmp_path, drive.seed)
    save_drive(path, drive)
    again = load_drive(path)
    assert again is not None
    np.testing.assert_equal(dataclasses.asdict(again), dataclasses.asdict(drive))


def test_a_drive_that_is_missing_or_damaged_is_none(drive: Drive, tmp_path: Path) -> None:
    path = drive_path(tmp_path, drive.seed)
    assert load_drive(path) is None
    save_drive(path, drive)
    content = bytearray(path.read_bytes())
    for where in range(0, len(content), 997):
        path.write_bytes(content[:where])
        assert load_drive(path) is None
