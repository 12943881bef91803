"""Whether two polygons overlap, as Box2D decides it: b2TestOverlap with GJK in float32.

The distance is measured between world points that float32 rounds to about 0.01 mm, so only the
same operations in the same order give the same answer near the threshold.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float32, Int32

from worldmodels.kernel import kernel
from worldmodels.worlds.fastcar.constants import EPSILON, POLYGON_RADIUS, F

ONE = F(1)
RADII = POLYGON_RADIUS + POLYGON_RADIUS
TOUCHING = F(10) * EPSILON
MAX_ITERATIONS = 20
# A vertex of the simplex: support points in A and B, B - A, barycentric coordinate.
AX, AY, BX, BY, WX, WY, PART = range(7)


@kernel
def support(vertices: Float32[np.ndarray, "V 2"], count: int, x: float, y: float) -> int:
    """The vertex that lies farthest in direction (x, y)."""
    best, most = 0, vertices[0, 0] * x + vertices[0, 1] * y
    for i in range(1, count):
        value = vertices[i, 0] * x + vertices[i, 1] * y
        if value > most:
            best, most = i, value
    return best


@kernel
def solve_segment(v: Float32[np.ndarray, "3 7"], ids: Int32[np.ndarray, "3 2"]) -> int:
    """b2Simplex::Solve2; returns how many vertices the closest feature has."""
    ex, ey = v[1, WX] - v[0, WX], v[1, WY] - v[0, WY]
    to_first = -(v[0, WX] * ex + v[0, WY] * ey)
    if to_first <= 0:
        v[0, PART] = ONE
        return 1
    to_second = v[1, WX] * ex + v[1, WY] * ey
    if to_second <= 0:
        v[1, PART] = ONE
        v[0] = v[1]
        ids[0] = ids[1]
        return 1
    inverse = ONE / (to_second + to_first)
    v[0, PART] = to_second * inverse
    v[1, PART] = to_first * inverse
    return 2


@kernel
def keep_edge(
    v: Float32[np.ndarray, "3 7"],
    ids: Int32[np.ndarray, "3 2"],
    i: int,
    j: int,
    part_i: float,
    part_j: float,
) -> int:
    """The simplex becomes its edge from i to j."""
    inverse = ONE / (part_i + part_j)
    v[i, PART] = part_i * inverse
    v[j, PART] = part_j * inverse
    if j == 2:  # the third vertex replaces the one that is dropped
        v[1 - i] = v[2]
        ids[1 - i] = ids[2]
    return 2


@kernel
def keep_point(v: Float32[np.ndarray, "3 7"], ids: Int32[np.ndarray, "3 2"], i: int) -> int:
    """The simplex becomes its vertex i."""
    v[i, PART] = ONE
    v[0] = v[i]
    ids[0] = ids[i]
    return 1


@kernel
def solve_triangle(v: Float32[np.ndarray, "3 7"], ids: Int32[np.ndarray, "3 2"]) -> int:
    """b2Simplex::Solve3; returns how many vertices the closest feature has."""
    x1, y1, x2, y2, x3, y3 = v[0, WX], v[0, WY], v[1, WX], v[1, WY], v[2, WX], v[2, WY]
    e12x, e12y, e13x, e13y = x2 - x1, y2 - y1, x3 - x1, y3 - y1
    e23x, e23y = x3 - x2, y3 - y2
    d12_1, d12_2 = x2 * e12x + y2 * e12y, -(x1 * e12x + y1 * e12y)
    d13_1, d13_2 = x3 * e13x + y3 * e13y, -(x1 * e13x + y1 * e13y)
    d23_1, d23_2 = x3 * e23x + y3 * e23y, -(x2 * e23x + y2 * e23y)
    n123 = e12x * e13y - e12y * e13x
    d123_1 = n123 * (x2 * y3 - y2 * x3)
    d123_2 = n123 * (x3 * y1 - y3 * x1)
    d123_3 = n123 * (x1 * y2 - y1 * x2)
    if d12_2 <= 0 and d13_2 <= 0:
        return keep_point(v, ids, 0)
    if d12_1 > 0 and d12_2 > 0 and d123_3 <= 0:
        return keep_edge(v, ids, 0, 1, d12_1, d12_2)
    if d13_1 > 0 and d13_2 > 0 and d123_2 <= 0:
        return keep_edge(v, ids, 0, 2, d13_1, d13_2)
    if d12_1 <= 0 and d23_2 <= 0:
        return keep_point(v, ids, 1)
    if d13_1 <= 0 and d23_1 <= 0:
        return keep_point(v, ids, 2)
    if d23_1 > 0 and d23_2 > 0 and d123_1 <= 0:
        return keep_edge(v, ids, 1, 2, d23_1, d23_2)
    inverse = ONE / (d123_1 + d123_2 + d123_3)
    v[0, PART] = d123_1 * inverse
    v[1, PART] = d123_2 * inverse
    v[2, PART] = d123_3 * inverse
    return 3


@kernel
def place(
    v: Float32[np.ndarray, "3 7"],
    i: int,
    a: Float32[np.ndarray, " 2"],
    b: Float32[np.ndarray, " 2"],
    x: float,
    y: float,
    c: float,
    s: float,
) -> None:
    """Vertex i of the simplex from point a of the world and b of the body at x, y."""
    v[i, AX], v[i, AY] = a[0], a[1]
    v[i, BX] = (c * b[0] - s * b[1]) + x
    v[i, BY] = (s * b[0] + c * b[1]) + y
    v[i, WX], v[i, WY] = v[i, BX] - v[i, AX], v[i, BY] - v[i, AY]


@kernel
def overlap(
    fixed: Float32[np.ndarray, "V 2"],
    corners: int,
    moved: Float32[np.ndarray, "4 2"],
    x: float,
    y: float,
    c: float,
    s: float,
    v: Float32[np.ndarray, "3 7"],
    ids: Int32[np.ndarray, "3 2"],
) -> bool:
    """Whether `fixed` touches `moved`, which is turned by (cos c, sin s) and put at x, y."""
    place(v, 0, fixed[0], moved[0], x, y, c, s)
    ids[0] = 0
    v[0, PART] = ONE
    count = 1
    for _ in range(MAX_ITERATIONS):
        before = count
        old0a, old0b, old1a, old1b = ids[0, 0], ids[0, 1], ids[1, 0], ids[1, 1]
        old2a, old2b = ids[2, 0], ids[2, 1]
        if count == 2:
            count = solve_segment(v, ids)
        elif count == 3:
            count = solve_triangle(v, ids)
        if count == 3:
            return True  # both points are the same: the distance is zero
        if count == 1:
            dx, dy = -v[0, WX], -v[0, WY]
        else:
            ex, ey = v[1, WX] - v[0, WX], v[1, WY] - v[0, WY]
            if ex * -v[0, WY] - ey * -v[0, WX] > 0:
                dx, dy = -ey, ex
            else:
                dx, dy = ey, -ex
        if dx * dx + dy * dy < EPSILON * EPSILON:
            break
        a = support(fixed, corners, -dx, -dy)
        b = support(moved, 4, c * dx + s * dy, -s * dx + c * dy)
        ids[count, 0], ids[count, 1] = a, b
        place(v, count, fixed[a], moved[b], x, y, c, s)
        if (
            (a == old0a and b == old0b)
            or (before > 1 and a == old1a and b == old1b)
            or (before > 2 and a == old2a and b == old2b)
        ):
            break
        count += 1
    ax, ay, bx, by = v[0, AX], v[0, AY], v[0, BX], v[0, BY]
    if count == 2:
        p, q = v[0, PART], v[1, PART]
        ax, ay = p * ax + q * v[1, AX], p * ay + q * v[1, AY]
        bx, by = p * bx + q * v[1, BX], p * by + q * v[1, BY]
    elif count == 3:
        return True
    dx, dy = ax - bx, ay - by
    distance = math.sqrt(dx * dx + dy * dy)
    apart = distance > RADII and distance > EPSILON
    return not apart or bool(distance - RADII < TOUCHING)
