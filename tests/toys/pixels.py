"""What the tests of the toys look at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def pixels(path: Path) -> list[np.ndarray]:
    """The frames of a picture or film, as RGB."""
    with Image.open(path) as image:
        pictures = []
        for i in range(getattr(image, "n_frames", 1)):
            image.seek(i)
            pictures.append(np.array(image.convert("RGB")))
        return pictures
