"""The look of everything drawn: one dark palette, one typeface."""

from __future__ import annotations

import functools

from PIL import ImageFont

BACKGROUND = (18, 20, 26)
BAR = (31, 35, 44)
TEXT = (232, 234, 240)
QUIET = (150, 157, 172)

Font = ImageFont.ImageFont | ImageFont.FreeTypeFont


@functools.cache
def font(size_px: int) -> Font:
    """Pillow's own typeface. It has no Greek letters, dashes or arrows: spell them out."""
    return ImageFont.load_default(size=size_px)


def fitted(text: str, face: Font, width_px: int) -> str:
    """`text`, cut with an ellipsis where it is wider than `width_px`."""
    if face.getlength(text) <= width_px:
        return text
    while text and face.getlength(text + "…") > width_px:
        text = text[:-1]
    return text.rstrip() + "…"
