"""Frames: whatever the picture's size, 64x64 that miss nothing in it."""

from __future__ import annotations

import numpy as np
import pytest

from worldmodels.worlds.frames import FRAME_SIZE, to_frame


@pytest.mark.parametrize("size", [(84, 96), (100, 160), (400, 640), (64, 64)])
def test_a_plain_picture_becomes_a_plain_frame_of_the_same_colour(size: tuple[int, int]) -> None:
    picture = np.broadcast_to(np.array([10, 128, 250], np.uint8), (*size, 3))
    frame = to_frame(picture)
    assert frame.dtype == np.uint8
    assert frame.shape == (FRAME_SIZE, FRAME_SIZE, 3)
    assert (frame == picture[0, 0]).all()


def test_a_picture_of_the_frame_size_is_kept() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (FRAME_SIZE, FRAME_SIZE, 3), np.uint8)
    np.testing.assert_array_equal(to_frame(picture), picture)


def test_every_pixel_of_the_picture_counts() -> None:
    for column in range(0, 160, 7):
        picture = np.zeros((100, 160, 3), np.uint8)
        picture[50, column] = 255
        assert to_frame(picture).max() > 20


def test_a_frame_can_be_written_to() -> None:
    frame = to_frame(np.zeros((100, 160, 3), np.uint8))
    frame[0, 0] = 1
