"""Text on a picture, quick enough for one that changes fifty times a second."""

from __future__ import annotations

import functools
import math

from PIL import Image, ImageDraw

from worldmodels.report import style

Colour = tuple[int, int, int]


def write(
    canvas: Image.Image,
    text: str,
    x_px: int,
    middle_px: int,
    size_px: int,
    colour: Colour = style.TEXT,
    align: str = "left",
    width_px: int | None = None,
) -> None:
    """Write a line whose left end, centre or right end is at `x_px`, cut off at `width_px`."""
    mask = _mask(text, size_px, width_px)
    shift = {"left": 0, "centre": mask.width // 2, "right": mask.width}[align]
    canvas.paste(colour, (x_px - shift, middle_px - mask.height // 2), mask)


@functools.lru_cache(512)
def _mask(text: str, size_px: int, width_px: int | None) -> Image.Image:
    """Where the ink is. Most texts stay the same from one picture to the next."""
    face = style.font(size_px)
    if width_px is not None:
        text = style.fitted(text, face, width_px)
    mask = Image.new("L", (max(1, math.ceil(face.getlength(text))), 2 * size_px))
    ImageDraw.Draw(mask).text((0, size_px), text, 255, face, anchor="lm")
    return mask
