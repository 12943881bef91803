"""A canvas of samples, polygons on it, and its reduction to a frame.

The official observation is drawn on 1000x800 pixels, averaged down to 96x96, cut to its upper 84
rows and resized to 64x64 with Pillow's bilinear filter. Here every pixel of the 96x84 has 2x2
samples, and the filter is Pillow's own. Positions are in pixels of the 1000x800 picture, y upwards.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float32, Int32, Int64, UInt8, UInt32

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
SLOPE, AT_TOP = range(2)  # an edge: x a pixel of y, x at the picture's upper edge
DOWN = (np.arange(ROWS, dtype=np.float32) + HALF) / PER_Y  # of every row, from the upper edge
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
PADDED = STATE_W + 4  # columns, so that loops over m need not end before the last one
NEAR, MIDDLE, FAR = F(5 / 9), F(3 / 9), F(1 / 9)
INSIDE = ONE / (ONE - FAR)
# SDL's averaging rounds down twice: 102 becomes 100. Pillow's resizing rounds to the nearest.
LOST = F(2 - 0.5)
BYTE, HALF_WORD = np.uint32(8), np.uint32(16)
BYTES, LOW_HALF = np.uint32(0x00FF00FF), np.uint32(0xFFFF)  # bytes 0 and 2; the lower half


@kernel
def fill_polygon(
    canvas: UInt32[np.ndarray, "168 192"],
    polygon: Float32[np.ndarray, "V 2"],
    corners: int,
    colour: np.uint32,
    edges: Float32[np.ndarray, "8 2"],
) -> None:
    """Paint a convex polygon, given anticlockwise, a little larger than it is."""
    low, high = polygon[0, 1], polygon[0, 1]
    westmost, eastmost = polygon[0, 0], polygon[0, 0]
    for i in range(1, corners):
        low, high = min(low, polygon[i, 1]), max(high, polygon[i, 1])
        westmost, eastmost = min(westmost, polygon[i, 0]), max(eastmost, polygon[i, 0])
    westmost = max(ZERO, westmost - GROWTH_PX)
    eastmost = min(F(WINDOW_W), eastmost + GROWTH_PX)
    # The inside is to the left of an edge: one that rises bounds it on the right. Those come first
    # in `edges`, those that fall last.
    rising, falling = 0, corners
    for i in range(corners):
        j = i + 1 if i + 1 < corners else 0
        dx, dy = polygon[j, 0] - polygon[i, 0], polygon[j, 1] - polygon[i, 1]
        if abs(dy) > FLAT:
            place = rising if dy > ZERO else falling - 1
            if dy > ZERO:
                rising += 1
            else:
                falling -= 1
            grown = GROWTH_PX * math.sqrt(dx * dx + dy * dy) / dy
            edges[place, SLOPE] = dx / dy
            edges[place, AT_TOP] = (
                polygon[i, 0] + (TOP - polygon[i, 1]) * edges[place, SLOPE] + grown
            )
    top = max(0, math.ceil((TOP - high - GROWTH_PX) * PER_Y - HALF))
    bottom = min(ROWS, math.ceil((TOP - low + GROWTH_PX) * PER_Y - HALF))
    for row in range(top, bottom):
        left, right = westmost, eastmost
        for i in range(rising):
            right = min(right, edges[i, AT_TOP] - DOWN[row] * edges[i, SLOPE])
        for i in range(falling, corners):
            left = max(left, edges[i, AT_TOP] - DOWN[row] * edges[i, SLOPE])
        first = math.ceil(left * PER_X - HALF)
        last = math.ceil(right * PER_X - HALF)
        if last > first:  # a negative end would count from the right
            canvas[row, first:last] = colour


@kernel
def add_samples(
    canvas: UInt32[np.ndarray, "168 192"],
    sums: UInt32[np.ndarray, "2 192"],
    pixels: Float32[np.ndarray, "84 300"],
) -> None:
    """Sums of 2x2 samples by row, channel, column.

    Two channels at a time are added as the halves of one number.
    """
    red_and_blue, green = sums[0], sums[1]
    for row in range(VIEW_ROWS):
        upper, lower = canvas[2 * row], canvas[2 * row + 1]
        for k in range(COLUMNS):
            red_and_blue[k] = (upper[k] & BYTES) + (lower[k] & BYTES)
        for k in range(COLUMNS):
            green[k] = ((upper[k] >> BYTE) & BYTES) + ((lower[k] >> BYTE) & BYTES)
        # A loop for each: the compiler gives up on one that writes to several arrays.
        out = pixels[row]
        for m in range(STATE_W):
            out[m] = F(np.int32((red_and_blue[2 * m] + red_and_blue[2 * m + 1]) & LOW_HALF))
        out = pixels[row, PADDED:]
        for m in range(STATE_W):
            out[m] = F(np.int32(green[2 * m] + green[2 * m + 1]))
        out = pixels[row, 2 * PADDED :]
        for m in range(STATE_W):
            out[m] = F(np.int32((red_and_blue[2 * m] + red_and_blue[2 * m + 1]) >> HALF_WORD))


@kernel
def reduce_canvas(
    canvas: UInt32[np.ndarray, "168 192"],
    sums: UInt32[np.ndarray, "2 192"],
    pixels: Float32[np.ndarray, "84 300"],
    line: Float32[np.ndarray, " 300"],
    cells: Int32[np.ndarray, "2 32"],
    frame: UInt8[np.ndarray, "64 64 3"],
) -> None:
    """Average the samples of every pixel, then resize to `frame`.

    The loops over m are written so that the compiler turns them into vector instructions.
    """
    add_samples(canvas, sums, pixels)
    for i in range(FRAME_SIZE):
        first, out = FIRST_ROW[i], frame[i]
        a, b, c = ROW_WEIGHTS[i, 0], ROW_WEIGHTS[i, 1], ROW_WEIGHTS[i, 2]
        above, here, below = pixels[first], pixels[first + 1], pixels[first + 2]
        for k in range(3 * PADDED):
            line[k] = a * above[k] + b * here[k] + c * below[k] - LOST
        for channel in range(3):
            its = line[channel * PADDED :]
            for m in range(THIRD):
                odd = NEAR * its[3 * m + 2] + MIDDLE * its[3 * m + 1] + FAR * its[3 * m + 3]
                cells[0, m] = np.int32(max(odd, ZERO))
            for m in range(THIRD):
                even = NEAR * its[3 * m + 3] + MIDDLE * its[3 * m + 4] + FAR * its[3 * m + 2]
                cells[1, m] = np.int32(max(even, ZERO))
            for m in range(THIRD - 1):
                out[2 * m + 1, channel] = np.uint8(cells[0, m])
                out[2 * m + 2, channel] = np.uint8(cells[1, m])
            leftmost = INSIDE * (NEAR * its[0] + MIDDLE * its[1])
            rightmost = INSIDE * (NEAR * its[STATE_W - 1] + MIDDLE * its[STATE_W - 2])
            out[0, channel] = np.uint8(np.int32(max(leftmost, ZERO)))
            out[FRAME_SIZE - 1, channel] = np.uint8(np.int32(max(rightmost, ZERO)))
