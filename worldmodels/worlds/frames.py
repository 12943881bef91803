"""The one way a game's picture becomes a frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

FRAME_SIZE = 64
"""Height and width of a frame, in pixels."""


def to_frame(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Shrink an RGB `picture` (H, W, 3) to a frame (64, 64, 3); the aspect is not kept.

    Pillow's bilinear filter is antialiased: every source pixel counts, so a fireball smaller
    than a pixel of the frame still shows. Its faster box filter and `reducing_gap` save at most
    0.04 ms of the 0.15 ms that a 160x100 picture takes: too little to give up exactness for.
    """
    resized = Image.fromarray(picture).resize((FRAME_SIZE, FRAME_SIZE), Image.Resampling.BILINEAR)
    return np.array(resized)
