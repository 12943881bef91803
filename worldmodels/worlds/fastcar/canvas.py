"""A canvas of samples, polygons on it, and its reduction to a frame.

The official observation is drawn on 1000x800 pixels, averaged down to 96x96, cut to its upper 84
rows and resized to 64x64 with Pillow's bilinear filter. Here every pixel of the 96x84 has 2x2
samples, and the filter is Pillow's own. Positions are in pixels of the 1000x800 picture, y upwards.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float32, Int32, Int64, UInt8, UInt16, UInt32

from worldmodels.kernel import kernel
from worldmodels.worlds.carracing import VIEW_ROWS
from worldmodels.worlds.fastcar.constants import STATE_H, STATE_W, WINDOW_H, WINDOW_W, F
from worldmodels.worlds.frames import FRAME_SIZE

SAMPLES = 2  # a pixel's side, in samples
ROWS, COLUMNS = VIEW_ROWS * SAMPLES, STATE_W * SAMPLES
PER_X, PER_Y = F(COLUMNS / WINDOW_W), F(STATE_H * SAMPLES / WINDOW_H)  # samples a pixel
TOP = F(WINDOW_H)
HALF = F(0.5)
ZERO, ONE = F(0), F(1)
FLAT = F(1e-6)
RISE, SLOPE, AT_TOP = range(3)  # an edge: height, x a pixel of y, x at the picture's upper edge
# SDL draws all pixels that a polygon touches: half a pixel more on every side.
GROWTH_PX = F(0.5)


def packed(colour: tuple[int, int, int]) -> np.uint32:
    """A colour as one number: red in the lowest byte."""
    red, green, blue = colour
    return np.uint32(red | green << 8 | blue << 16)


def bilinear(
    source: int, target: int
) -> tuple[Int64[np.ndarray, " t"], Float32[np.ndarray, "t 3"]]:
    """Pillow's antialiased bilinear filter: first source pixel and weights of every target pixel.

    Three weights suffice for reductions to two thirds or less far.
    """
    scale = source / target
    first = np.empty(target, np.int64)
    weights = np.zeros((target, 3), np.float32)
    for i in range(target):
        centre = (i + 0.5) * scale
        low = max(int(centre - scale + 0.5), 0)
        high = min(int(centre + scale + 0.5), source)
        weight = [1 - abs((k + 0.5 - centre) / scale) for k in range(low, high)]
        first[i] = min(low, source - 3)
        for k in range(low, high):
            weights[i, k - first[i]] = weight[k - low] / sum(weight)
    return first, weights


FIRST_ROW, ROW_WEIGHTS = bilinear(VIEW_ROWS, FRAME_SIZE)
ROW_WEIGHTS /= SAMPLES**2  # of sums of samples
# From 96 to 64 columns: of A0 B0 C0 A1 B1 C1 ... Am, Bm and Cm-1 make a pixel, and so do Cm, Bm and
# Am+1, with the weights NEAR, MIDDLE, FAR. Where a border lacks the last one, the others share FAR.
THIRD = STATE_W // 3
NEAR, MIDDLE, FAR = F(5 / 9), F(3 / 9), F(1 / 9)
INSIDE = ONE / (ONE - FAR)
# SDL's averaging rounds down twice: 102 becomes 100. Pillow's resizing rounds to the nearest.
LOST = F(2 - 0.5)


@kernel
def fill_polygon(
    canvas: UInt32[np.ndarray, "168 192"],
    polygon: Float32[np.ndarray, "V 2"],
    corners: int,
    colour: np.uint32,
    edges: Float32[np.ndarray, "8 3"],
) -> None:
    """Paint a convex polygon, given anticlockwise, a little larger than it is."""
    low, high = polygon[0, 1], polygon[0, 1]
    westmost, eastmost = polygon[0, 0], polygon[0, 0]
    for i in range(1, corners):
        low, high = min(low, polygon[i, 1]), max(high, polygon[i, 1])
        westmost, eastmost = min(westmost, polygon[i, 0]), max(eastmost, polygon[i, 0])
    westmost = max(ZERO, westmost - GROWTH_PX)
    eastmost = min(F(WINDOW_W), eastmost + GROWTH_PX)
    for i in range(corners):
        j = i + 1 if i + 1 < corners else 0
        dx, dy = polygon[j, 0] - polygon[i, 0], polygon[j, 1] - polygon[i, 1]
        edges[i, RISE] = dy
        if abs(dy) > FLAT:
            grown = GROWTH_PX * math.sqrt(dx * dx + dy * dy) / dy
            edges[i, SLOPE] = dx / dy
            edges[i, AT_TOP] = polygon[i, 0] + (TOP - polygon[i, 1]) * edges[i, SLOPE] + grown
    top = max(0, math.ceil((TOP - high - GROWTH_PX) * PER_Y - HALF))
    bottom = min(ROWS, math.ceil((TOP - low + GROWTH_PX) * PER_Y - HALF))
    for row in range(top, bottom):
        down = (F(row) + HALF) / PER_Y
        left, right = westmost, eastmost
        for i in range(corners):
            x = edges[i, AT_TOP] - down * edges[i, SLOPE]
            if edges[i, RISE] > FLAT:  # the inside is to the left of an edge
                right = min(right, x)
            elif edges[i, RISE] < -FLAT:
                left = max(left, x)
        first = math.ceil(left * PER_X - HALF)
        last = math.ceil(right * PER_X - HALF)
        if last > first:  # a negative end would count from the right
            canvas[row, first:last] = colour


@kernel
def average_samples(
    canvas: UInt8[np.ndarray, "168 768"],
    sums: UInt16[np.ndarray, " 768"],
    pixels: Float32[np.ndarray, "84 3 96"],
) -> None:
    """Sums of 2x2 samples by row, channel, column: every third column from 0, from 1, from 2."""
    for row in range(VIEW_ROWS):
        upper, lower = canvas[2 * row], canvas[2 * row + 1]
        for k in range(4 * COLUMNS):
            sums[k] = np.uint16(upper[k]) + np.uint16(lower[k])
        for channel in range(3):
            out = pixels[row, channel]
            for m in range(THIRD):
                for third in range(3):
                    k = 8 * (3 * m + third) + channel  # a pixel's samples have four bytes each
                    out[third * THIRD + m] = F(np.int32(sums[k]) + np.int32(sums[k + 4]))


@kernel
def reduce_canvas(
    canvas: UInt32[np.ndarray, "168 192"],
    sums: UInt16[np.ndarray, " 768"],
    pixels: Float32[np.ndarray, "84 3 96"],
    line: Float32[np.ndarray, " 96"],
    cells: Int32[np.ndarray, "2 32"],
    frame: UInt8[np.ndarray, "64 64 3"],
) -> None:
    """Average the samples of every pixel, then resize to `frame`.

    The loops over m are written so that the compiler turns them into vector instructions.
    """
    average_samples(canvas.view(np.uint8), sums, pixels)
    for i in range(FRAME_SIZE):
        first, out = FIRST_ROW[i], frame[i]
        a, b, c = ROW_WEIGHTS[i, 0], ROW_WEIGHTS[i, 1], ROW_WEIGHTS[i, 2]
        for channel in range(3):
            above, here, below = (
                pixels[first, channel],
                pixels[first + 1, channel],
                pixels[first + 2, channel],
            )
            for m in range(STATE_W):
                line[m] = a * above[m] + b * here[m] + c * below[m] - LOST
            p, q, r = line[:THIRD], line[THIRD : 2 * THIRD], line[2 * THIRD :]
            for m in range(THIRD - 1):
                odd = NEAR * r[m] + MIDDLE * q[m] + FAR * p[m + 1]
                even = NEAR * p[m + 1] + MIDDLE * q[m + 1] + FAR * r[m]
                cells[0, m] = np.int32(max(odd, ZERO))
                cells[1, m] = np.int32(max(even, ZERO))
            for m in range(THIRD - 1):
                out[2 * m + 1, channel] = np.uint8(cells[0, m])
                out[2 * m + 2, channel] = np.uint8(cells[1, m])
            leftmost = INSIDE * (NEAR * p[0] + MIDDLE * q[0])
            rightmost = INSIDE * (NEAR * r[THIRD - 1] + MIDDLE * q[THIRD - 1])
            out[0, channel] = np.uint8(np.int32(max(leftmost, ZERO)))
            out[FRAME_SIZE - 1, channel] = np.uint8(np.int32(max(rightmost, ZERO)))
