"""Line charts of characters, each cell of which has two by four dots."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

EDGE = "│"  # between the range and the curves
BLANK = 0x2800  # of Unicode's braille patterns
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # by row and column in a cell


@dataclass(frozen=True)
class Curve:
    """Points that are joined, or marked one by one; those that are not finite are left out."""

    x: Sequence[float]
    y: Sequence[float]
    colour: str = ""  # ANSI sequence that starts it
    mark: str = ""  # a character for each point, instead of a line


def chart(curves: Sequence[Curve], width: int, height: int, plain: bool) -> list[str]:
    """The curves in `height` lines of `width` characters, their range at the left.

    Later curves lie above earlier ones. `plain` leaves colours out.
    """
    points = [
        (x, y)
        for curve in curves
        for x, y in zip(curve.x, curve.y, strict=True)
        if math.isfinite(x) and math.isfinite(y)
    ]
    if not points:
        return [EDGE] * height
    top, bottom = max(y for _, y in points), min(y for _, y in points)
    left, right = min(x for x, _ in points), max(x for x, _ in points)
    labels = {0: _short(top), height - 1: _short(bottom)} if top > bottom else {0: _short(top)}
    margin = max(map(len, labels.values()))
    canvas = _Canvas(width - margin - 2, height, (left, right, bottom, top))
    for curve in curves:
        canvas.draw(curve)
    return [
        f"{labels.get(number, ''):>{margin}} {EDGE}{line}"
        for number, line in enumerate(canvas.lines(plain))
    ]


class _Canvas:
    """Cells of characters, and the dots in them."""

    def __init__(self, width: int, height: int, edges: tuple[float, float, float, float]) -> None:
        self._width, self._height, self._edges = max(width, 1), height, edges
        self._dots: dict[tuple[int, int], int] = {}  # of the cells that have some
        self._marks: dict[tuple[int, int], str] = {}
        self._colours: dict[tuple[int, int], str] = {}

    def draw(self, curve: Curve) -> None:
        last: tuple[int, int] | None = None
        for x, y in zip(curve.x, curve.y, strict=True):
            if not (math.isfinite(x) and math.isfinite(y)):
                last = None
                continue
            dot = self._dot(x, y)
            if curve.mark:
                cell = (dot[0] // 2, dot[1] // 4)
                self._marks[cell], self._colours[cell] = curve.mark, curve.colour
            else:
                self._join(last or dot, dot, curve.colour)
                last = dot

    def _dot(self, x: float, y: float) -> tuple[int, int]:
        left, right, bottom, top = self._edges
        across = (x - left) / (right - left) if right > left else 0.0
        down = (top - y) / (top - bottom) if top > bottom else 0.0
        return round(across * (2 * self._width - 1)), round(down * (4 * self._height - 1))

    def _join(self, start: tuple[int, int], end: tuple[int, int], colour: str) -> None:
        steps = max(abs(end[0] - start[0]), abs(end[1] - start[1]), 1)
        for step in range(steps + 1):
            x = round(start[0] + (end[0] - start[0]) * step / steps)
            y = round(start[1] + (end[1] - start[1]) * step / steps)
            cell = (x // 2, y // 4)
            self._dots[cell] = self._dots.get(cell, 0) | DOTS[y % 4][x % 2]
            self._colours[cell] = colour

    def lines(self, plain: bool) -> list[str]:
        return [self._line(row, plain).rstrip() for row in range(self._height)]

    def _line(self, row: int, plain: bool) -> str:
        text = ""
        for column in range(self._width):
            cell = (column, row)
            dots = self._dots.get(cell)
            character = self._marks.get(cell) or (chr(BLANK + dots) if dots else " ")
            colour = "" if plain else self._colours.get(cell, "")
            text += f"{colour}{character}\x1b[0m" if colour else character
        return text


def _short(value: float) -> str:
    """A number for an axis."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
