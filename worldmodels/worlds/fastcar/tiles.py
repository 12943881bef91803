"""Which tiles the wheels touch, and what the touch of a new one is worth."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Bool, Float32, Int32

from worldmodels.kernel import kernel
from worldmodels.worlds.fastcar.constants import WHEEL_POLY, F
from worldmodels.worlds.fastcar.overlap import overlap

# Farther from a tile's bounding box than this no wheel, or no wheel of a car, can touch the tile:
# half a wheel's diagonal is 0.61 m, the wheels' centres are within 2 m of the hull's.
WHEEL_REACH = F(0.7)
CAR_REACH = F(3.2)


@kernel
def is_near(box: Float32[np.ndarray, " 4"], x: float, y: float, reach: float) -> bool:
    """Whether (x, y) is within `reach` of the box (left, bottom, right, top)."""
    beside = x < box[0] - reach or x > box[2] + reach
    return not (beside or y < box[1] - reach or y > box[3] + reach)


@kernel
def touch_tiles(
    bodies: Float32[np.ndarray, "5 6"],
    count: int,
    shapes: Float32[np.ndarray, "N 4 2"],
    corners: Int32[np.ndarray, " N"],
    boxes: Float32[np.ndarray, "N 4"],
    visited: Bool[np.ndarray, " N"],
    on_road: Bool[np.ndarray, " 4"],
    simplex: Float32[np.ndarray, "3 7"],
    ids: Int32[np.ndarray, "3 2"],
) -> tuple[int, bool]:
    """Update `on_road` and `visited`; returns how many tiles are new, and whether tile 0 is.

    Of the contacts that Box2D updates at the start of a step. They exist for all pairs whose
    enlarged bounding boxes overlap, which is more than the pairs that can touch.
    """
    new, start = 0, False
    on_road[:] = False
    for i in range(count):
        if not is_near(boxes[i], bodies[0, 0], bodies[0, 1], CAR_REACH):
            continue
        for j in range(4):
            x, y, angle = bodies[j + 1, 0], bodies[j + 1, 1], bodies[j + 1, 2]
            if (on_road[j] and visited[i]) or not is_near(boxes[i], x, y, WHEEL_REACH):
                continue
            c, s = math.cos(angle), math.sin(angle)
            if overlap(shapes[i], corners[i], WHEEL_POLY, x, y, c, s, simplex, ids):
                on_road[j] = True
                if not visited[i]:
                    visited[i] = True
                    new += 1
                    start |= i == 0
    return new, start
