"""The picture in the window, drawn from a view."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw

from worldmodels.play.keys import HELP
from worldmodels.play.lettering import write
from worldmodels.play.view import Gauge, View
from worldmodels.report import style
from worldmodels.report.video import Panel, scaled

SIZE_PX = (1000, 600)  # width and height at scale 1
LEAST_PX = (500, 300)
STAGE = (11, 12, 16)
ACCENT = (247, 181, 82)
RED = (233, 76, 72)
ROOM = 3  # for small panels, however many there are: nothing moves when that changes

# In pixels at scale 1.
GAP, CAPTION, FOOTER = 10, 24, 88
SMALL, NORMAL, LARGE = 13, 15, 20  # letters
GAUGE, GAUGE_BAR = 84, 8

Box = tuple[int, int, int, int]  # left, top, right, bottom


@dataclass(frozen=True)
class Layout:
    """Where things are on a canvas, in its pixels."""

    unit: float  # pixels for one at scale 1
    stage: Box  # of the large panel
    small: tuple[Box, ...]  # of the small ones, their captions included
    footer: Box

    def px(self, length: float) -> int:
        """A length at scale 1."""
        return max(1, round(length * self.unit))


def layout(width: int, height: int, aspect: float) -> Layout:
    """The large panel on the left, the small ones beside it, numbers and words below.

    `aspect` is the large picture's, width by height: a narrow one leaves room for two columns.
    """
    unit = min(width / SIZE_PX[0], height / SIZE_PX[1])
    gap, caption, footer = (round(length * unit) for length in (GAP, CAPTION, FOOTER))
    bottom = height - footer
    room = max(width - 3 * gap - round((bottom - gap - caption) * aspect), width // 5)

    def size(columns: int) -> int:
        """The side of a small picture."""
        rows = math.ceil(ROOM / columns)
        return min((bottom - rows * gap) // rows - caption, (room + gap) // columns - gap)

    columns = max((1, 2), key=size)
    side, left = size(columns), width - columns * (size(columns) + gap)
    corners = [
        (left + i % columns * (side + gap), gap + i // columns * (caption + side + gap))
        for i in range(ROOM)
    ]
    return Layout(
        unit,
        stage=(gap, gap, left - gap, bottom),
        small=tuple((x, y, x + side, y + caption + side) for x, y in corners),
        footer=(gap, bottom, width - gap, height),
    )


def draw(view: View, width: int, height: int) -> UInt8[np.ndarray, "h w 3"]:
    """The picture of a view: `width` x `height` pixels, but at least 500 x 300."""
    width, height = max(width, LEAST_PX[0]), max(height, LEAST_PX[1])
    canvas = Image.new("RGB", (width, height), style.BACKGROUND)
    high, wide, _ = view.panels[0].picture.shape
    at = layout(width, height, wide / high)
    _draw_stage(canvas, at, view)
    for panel, box in zip(view.panels[1:], at.small, strict=False):
        _draw_small(canvas, at, panel, box)
    _draw_facts(canvas, at, view.facts, len(view.gauges))
    _draw_gauges(canvas, at, view.gauges)
    _draw_words(canvas, at, view)
    if view.shows_help:
        canvas = _with_help(canvas, at)
    return np.asarray(canvas)


def _draw_stage(canvas: Image.Image, at: Layout, view: View) -> None:
    left, top, right, bottom = at.stage
    panel, caption = view.panels[0], at.px(CAPTION)
    brush = ImageDraw.Draw(canvas)
    brush.rectangle((left, top, right - 1, top + caption - 1), style.BAR)
    brush.rectangle((left, top + caption, right - 1, bottom - 1), STAGE)
    write(canvas, panel.caption, left + at.px(GAP), top + caption // 2, at.px(NORMAL))
    height, width, _ = panel.picture.shape
    shown = min(bottom - top - caption, (right - left) * height // width)
    picture = scaled(panel.picture, shown, Image.Resampling.BILINEAR)
    x = left + (right - left - picture.width) // 2
    y = top + caption + (bottom - top - caption - picture.height) // 2
    canvas.paste(picture, (x, y))
    if view.banner:
        _draw_banner(canvas, at, view.banner)
    if view.is_filmed:
        x, y, radius = right - at.px(58), top + caption // 2, at.px(5)
        brush.ellipse((x - radius, y - radius, x + radius, y + radius), RED)
        write(canvas, "FILM", right - at.px(GAP), y, at.px(SMALL), RED, "right")


def _draw_banner(canvas: Image.Image, at: Layout, text: str) -> None:
    left, top, right, bottom = at.stage
    x, y, size = (left + right) // 2, (top + bottom) // 2, at.px(LARGE)
    width = round(style.font(size).getlength(text)) // 2 + at.px(2 * GAP)
    box = (x - width, y - at.px(24), x + width, y + at.px(24))
    ImageDraw.Draw(canvas).rounded_rectangle(box, at.px(8), style.BACKGROUND)
    write(canvas, text, x, y, size, align="centre")


def _draw_small(canvas: Image.Image, at: Layout, panel: Panel, box: Box) -> None:
    left, top, right, bottom = box
    caption = bottom - top - (right - left)
    ImageDraw.Draw(canvas).rectangle((left, top, right - 1, top + caption - 1), style.BAR)
    middle, width = top + caption // 2, right - left - at.px(GAP)
    write(canvas, panel.caption, left + at.px(8), middle, at.px(SMALL), width_px=width)
    picture = scaled(panel.picture, right - left, Image.Resampling.BILINEAR)
    canvas.paste(picture, (left, top + caption))


def _draw_facts(
    canvas: Image.Image, at: Layout, facts: tuple[tuple[str, str], ...], gauges: int
) -> None:
    left, top, right, _ = at.footer
    width = (right - left - gauges * at.px(GAUGE + GAP)) // max(len(facts), 1)
    for i, (name, value) in enumerate(facts):
        x, room = left + i * width, width - at.px(4)
        write(canvas, name, x, top + at.px(17), at.px(SMALL), style.QUIET, width_px=room)
        colour = ACCENT if value == "agent" else style.TEXT
        write(canvas, value, x, top + at.px(38), at.px(LARGE), colour, width_px=room)


def _draw_gauges(canvas: Image.Image, at: Layout, gauges: tuple[Gauge, ...]) -> None:
    _, top, right, _ = at.footer
    brush, width, half = ImageDraw.Draw(canvas), at.px(GAUGE), at.px(GAUGE_BAR / 2)
    for i, gauge in enumerate(gauges):
        x, y = right - (len(gauges) - i) * at.px(GAUGE + GAP) + at.px(GAP), top + at.px(38)
        write(canvas, gauge.name, x, top + at.px(17), at.px(SMALL), style.QUIET)
        brush.rectangle((x, y - half, x + width, y + half), style.BAR)
        rest = x + width // 2 if gauge.is_two_sided else x
        reach = width // 2 if gauge.is_two_sided else width
        end = rest + round(min(max(gauge.value, -1), 1) * reach)
        brush.rectangle((min(rest, end), y - half, max(rest, end), y + half), ACCENT)


def _draw_words(canvas: Image.Image, at: Layout, view: View) -> None:
    left, top, right, _ = at.footer
    y, size = top + at.px(68), at.px(NORMAL)
    hint = view.warning or "h: help"
    write(canvas, hint, right, y, size, ACCENT if view.warning else style.QUIET, "right")
    room = right - left - round(style.font(size).getlength(hint)) - at.px(2 * GAP)
    write(canvas, view.message, left, y, size, width_px=room)


def _with_help(canvas: Image.Image, at: Layout) -> Image.Image:
    """The canvas, darkened, under a table of the keys."""
    dimmed = Image.blend(canvas, Image.new("RGB", canvas.size, style.BACKGROUND), 0.75)
    row, width, height = at.px(34), at.px(600), at.px(34) * (len(HELP) + 1)
    left, top = (canvas.width - width) // 2, (canvas.height - height) // 2
    box = (left, top, left + width, top + height)
    ImageDraw.Draw(dimmed).rounded_rectangle(box, at.px(10), style.BAR)
    for i, (keys, meaning) in enumerate(HELP):
        y, size = top + round((i + 1) * row), at.px(17)
        write(dimmed, keys, left + at.px(170), y, size, ACCENT, "right")
        write(dimmed, meaning, left + at.px(195), y, size)
    return dimmed
