"""The official game's track for a seed, float for float."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int32

from worldmodels.kernel import kernel
from worldmodels.worlds.fastcar.constants import (
    BORDER,
    BORDER_MIN_COUNT,
    CHECKPOINTS,
    MAX_LAPS,
    MAX_POINTS,
    SCALE,
    START_ALPHA,
    TRACK_DETAIL_STEP,
    TRACK_RAD,
    TRACK_TURN_RATE,
    TRACK_WIDTH,
)


@dataclass(frozen=True)
class Track:
    """A closed road of N tiles; metres and radians."""

    points: Float[np.ndarray, "N 4"]  # alpha, beta (the car's angle), x, y
    tiles: Float[np.ndarray, "N 4 2"]  # left and right here, right and left at the tile before
    borders: Float[np.ndarray, "N 4 2"]  # where `bordered`
    bordered: Bool[np.ndarray, " N"]
    shapes: Float32[np.ndarray, "N 4 2"]  # the tiles as Box2D keeps them: a hull from its right
    corners: Int32[np.ndarray, " N"]  # vertices of each shape


@kernel
def walk(
    checkpoints: Float[np.ndarray, "12 3"], points: Float[np.ndarray, "P 4"]
) -> tuple[int, int]:
    """Drive from checkpoint to checkpoint, filling `points`; the closed part is [first, last).

    Returns (0, 0) where the official game gives the attempt up.
    """
    x, y, beta = 1.5 * TRACK_RAD, 0.0, 0.0
    dest_i, laps, count = 0, 0, 0
    visited_other_side = False
    while True:
        alpha = math.atan2(y, x)
        if visited_other_side and alpha > 0:
            laps += 1
            visited_other_side = False
        if alpha < 0:
            visited_other_side = True
            alpha += 2 * math.pi
        while True:  # find the next checkpoint
            failed = True
            while True:
                dest_alpha, dest_x, dest_y = checkpoints[dest_i % CHECKPOINTS]
                if alpha <= dest_alpha:
                    failed = False
                    break
                dest_i += 1
                if dest_i % CHECKPOINTS == 0:
                    break
            if not failed:
                break
            alpha -= 2 * math.pi
        r1x, r1y = math.cos(beta), math.sin(beta)
        p1x, p1y = -r1y, r1x
        proj = r1x * (dest_x - x) + r1y * (dest_y - y)
        while beta - alpha > 1.5 * math.pi:
            beta -= 2 * math.pi
        while beta - alpha < -1.5 * math.pi:
            beta += 2 * math.pi
        prev_beta = beta
        proj *= SCALE
        if proj > 0.3:
            beta -= min(TRACK_TURN_RATE, abs(0.001 * proj))
        if proj < -0.3:
            beta += min(TRACK_TURN_RATE, abs(0.001 * proj))
        x += p1x * TRACK_DETAIL_STEP
        y += p1y * TRACK_DETAIL_STEP
        points[count, 0] = alpha
        points[count, 1] = prev_beta * 0.5 + beta * 0.5
        points[count, 2] = x
        points[count, 3] = y
        count += 1
        if laps > MAX_LAPS or count == MAX_POINTS:
            break

    # The last full lap: from its passage of the start to the next one.
    first, last = -1, -1
    for i in range(count - 1, 0, -1):
        if points[i, 0] > START_ALPHA and points[i - 1, 0] <= START_ALPHA:
            if last == -1:
                last = i
            else:
                first = i
                break
    if first == -1 or last - 1 <= first:
        return 0, 0
    last -= 1
    glue_x = math.cos(points[first, 1]) * (points[first, 2] - points[last - 1, 2])
    glue_y = math.sin(points[first, 1]) * (points[first, 3] - points[last - 1, 3])
    if math.sqrt(glue_x * glue_x + glue_y * glue_y) > TRACK_DETAIL_STEP:
        return 0, 0
    return first, last


@kernel
def mark_borders(points: Float[np.ndarray, "N 4"], bordered: Bool[np.ndarray, " N"]) -> None:
    """Hard turns to one side get a red and white border, from a few tiles before."""
    count = len(points)
    for i in range(count):
        good, oneside = True, 0.0
        for neg in range(BORDER_MIN_COUNT):
            turn = points[i - neg, 1] - points[i - neg - 1, 1]
            good &= abs(turn) > TRACK_TURN_RATE * 0.2
            oneside += np.sign(turn)
        bordered[i] = good and abs(oneside) == BORDER_MIN_COUNT
    for i in range(count):
        for neg in range(BORDER_MIN_COUNT):
            bordered[i - neg] |= bordered[i]


@kernel
def lay_tiles(
    points: Float[np.ndarray, "N 4"],
    tiles: Float[np.ndarray, "N 4 2"],
    borders: Float[np.ndarray, "N 4 2"],
) -> None:
    """The four corners of every tile and of the border that it would have."""
    for i in range(len(points)):
        beta1, x1, y1 = points[i, 1], points[i, 2], points[i, 3]
        beta2, x2, y2 = points[i - 1, 1], points[i - 1, 2], points[i - 1, 3]
        c1, s1, c2, s2 = math.cos(beta1), math.sin(beta1), math.cos(beta2), math.sin(beta2)
        side = np.sign(beta2 - beta1)
        inner, outer = side * TRACK_WIDTH, side * (TRACK_WIDTH + BORDER)
        tiles[i, 0] = x1 - TRACK_WIDTH * c1, y1 - TRACK_WIDTH * s1
        tiles[i, 1] = x1 + TRACK_WIDTH * c1, y1 + TRACK_WIDTH * s1
        tiles[i, 2] = x2 + TRACK_WIDTH * c2, y2 + TRACK_WIDTH * s2
        tiles[i, 3] = x2 - TRACK_WIDTH * c2, y2 - TRACK_WIDTH * s2
        borders[i, 0] = x1 + inner * c1, y1 + inner * s1
        borders[i, 1] = x1 + outer * c1, y1 + outer * s1
        borders[i, 2] = x2 + outer * c2, y2 + outer * s2
        borders[i, 3] = x2 + inner * c2, y2 + inner * s2


@kernel
def wrap_hull(ps: Float32[np.ndarray, "4 2"], shape: Float32[np.ndarray, "4 2"]) -> int:
    """b2PolygonShape::Set: gift wrapping from the rightmost vertex; returns the vertex count.

    No official tile has vertices so close to each other that Box2D would weld them.
    """
    start = 0
    for i in range(1, 4):
        if ps[i, 0] > ps[start, 0] or (ps[i, 0] == ps[start, 0] and ps[i, 1] < ps[start, 1]):
            start = i
    count, here = 0, start
    while count < 4:
        shape[count] = ps[here]
        following = 0
        for j in range(1, 4):
            if following == here:
                following = j
                continue
            rx, ry = ps[following, 0] - ps[here, 0], ps[following, 1] - ps[here, 1]
            vx, vy = ps[j, 0] - ps[here, 0], ps[j, 1] - ps[here, 1]
            cross = rx * vy - ry * vx
            farther = vx * vx + vy * vy > rx * rx + ry * ry
            if cross < 0 or (cross == 0 and farther):
                following = j
        count += 1
        here = following
        if here == start:
            break
    return count


@kernel
def wrap_hulls(
    tiles: Float32[np.ndarray, "N 4 2"],
    shapes: Float32[np.ndarray, "N 4 2"],
    corners: Int32[np.ndarray, " N"],
) -> None:
    """`wrap_hull` for every tile."""
    for i in range(len(tiles)):
        corners[i] = wrap_hull(tiles[i], shapes[i])


def draw_checkpoints(random: np.random.Generator) -> Float[np.ndarray, "12 3"]:
    """Angle, x and y of the points that a track passes, drawn as the official game does."""
    checkpoints = np.empty((CHECKPOINTS, 3))
    for c in range(CHECKPOINTS):
        noise = random.uniform(0, 2 * math.pi * 1 / CHECKPOINTS)
        alpha = 2 * math.pi * c / CHECKPOINTS + noise
        rad = random.uniform(TRACK_RAD / 3, TRACK_RAD)
        if c == 0:
            alpha, rad = 0, 1.5 * TRACK_RAD
        if c == CHECKPOINTS - 1:
            alpha, rad = 2 * math.pi * c / CHECKPOINTS, 1.5 * TRACK_RAD
        checkpoints[c] = alpha, rad * math.cos(alpha), rad * math.sin(alpha)
    return checkpoints


def make_track(random: np.random.Generator) -> Track:
    """The track that the official game would make next from `random`, its `np_random`."""
    points = np.empty((MAX_POINTS, 4))
    first, last = 0, 0
    while last == 0:
        first, last = walk(draw_checkpoints(random), points)
    points = points[first:last].copy()
    N = len(points)
    bordered = np.zeros(N, dtype=np.bool_)
    tiles, borders = np.empty((N, 4, 2)), np.empty((N, 4, 2))
    shapes = np.zeros((N, 4, 2), dtype=np.float32)
    corners = np.empty(N, dtype=np.int32)
    mark_borders(points, bordered)
    lay_tiles(points, tiles, borders)
    wrap_hulls(tiles.astype(np.float32), shapes, corners)
    return Track(points, tiles, borders, bordered, shapes, corners)
