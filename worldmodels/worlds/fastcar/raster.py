"""The picture of a car on its track, as a 64x64 frame like the official game's."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int32, Int64, UInt8, UInt32

from worldmodels.kernel import kernel
from worldmodels.worlds.carracing import VIEW_ROWS
from worldmodels.worlds.fastcar.canvas import (
    COLUMNS,
    PADDED,
    ROWS,
    THIRD,
    fill_polygon,
    packed,
    reduce_canvas,
)
from worldmodels.worlds.fastcar.cars import Cars, hull_position
from worldmodels.worlds.fastcar.constants import (
    BACKGROUND_COLOUR,
    GRASS_COLOUR,
    GRASS_DIM,
    HULL_COLOUR,
    HULL_POLYS,
    PLAYFIELD,
    ROAD_COLOUR,
    ROAD_SHADE,
    SCALE,
    SIZE,
    START_ZOOM,
    STRIPE,
    WHEEL_COLOUR,
    WHEEL_POLY,
    WHEEL_R,
    WHEEL_W,
    WHEEL_WHITE,
    WINDOW_H,
    WINDOW_W,
    ZOOM,
    F,
)
from worldmodels.worlds.fastcar.wheels import PHASE

CENTRE_X, CENTRE_Y = F(WINDOW_W / 2), F(WINDOW_H / 4)  # where the car is, in pixels
LOWEST_Y = F(WINDOW_H / 8)  # of what is seen above the bar with the dials
VIEW_RADIUS_PX = F(math.hypot(WINDOW_W, WINDOW_H * 7 / 8) / 2)
OUTSIDE = packed((0, 0, 0))
BACKGROUND, GRASS = packed(BACKGROUND_COLOUR), packed(GRASS_COLOUR)
RED, WHITE = packed((255, 0, 0)), packed((255, 255, 255))
HULL, WHEEL, WHEEL_STRIPE = packed(HULL_COLOUR), packed(WHEEL_COLOUR), packed(WHEEL_WHITE)
ROAD = np.array(
    [
        packed((shade, shade, shade))
        for shade in (int(ROAD_COLOUR + i * ROAD_SHADE) for i in range(3))
    ]
)
TILE_REACH = F(9)  # metres from the centre of a tile's box to the farthest corner of its border
GRASS_REACH = F(GRASS_DIM)
FIELD = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]], dtype=np.float32) * F(PLAYFIELD)
WHEEL_HALF, WHEEL_SIDE = F(WHEEL_R * SIZE), F(WHEEL_W * SIZE)


def anticlockwise(polygon: tuple[tuple[int, int], ...]) -> Float32[np.ndarray, "V 2"]:
    """The car's part in metres, its corners in this order."""
    points = np.array(polygon, dtype=np.float64)
    x, y = points.T
    area = (x * np.roll(y, -1) - y * np.roll(x, -1)).sum()
    return (points[:: 1 if area > 0 else -1] * SIZE).astype(np.float32)


HULL_CORNERS = np.array([len(part) for part in HULL_POLYS])
HULL_PARTS = np.zeros((4, 8, 2), dtype=np.float32)
for _part, _polygon in enumerate(HULL_POLYS):
    HULL_PARTS[_part, : len(_polygon)] = anticlockwise(_polygon)


class Scratch(NamedTuple):
    """What drawing needs only while it lasts; a thread has its own."""

    canvas: UInt32[np.ndarray, "168 192"]
    sums: UInt32[np.ndarray, "2 192"]
    pixels: Float32[np.ndarray, "84 300"]
    line: Float32[np.ndarray, " 300"]
    cells: Int32[np.ndarray, "2 32"]
    polygon: Float32[np.ndarray, "8 2"]
    edges: Float32[np.ndarray, "8 2"]


class Camera(NamedTuple):
    """Where the picture is taken from: position (m), direction, pixels a metre."""

    x: float
    y: float
    c: float
    s: float
    zoom: float


def make_scratch() -> Scratch:
    """Room for drawing one frame at a time."""
    return Scratch(
        canvas=np.zeros((ROWS, COLUMNS), np.uint32),
        sums=np.zeros((2, COLUMNS), np.uint32),
        pixels=np.zeros((VIEW_ROWS, 3 * PADDED), np.float32),
        line=np.zeros(3 * PADDED, np.float32),
        cells=np.zeros((2, THIRD), np.int32),
        polygon=np.zeros((8, 2), np.float32),
        edges=np.zeros((8, 2), np.float32),
    )


@kernel
def to_pixels(camera: Camera, x: float, y: float) -> tuple[float, float]:
    """A point of the world in the 1000x800 picture, y upwards."""
    dx, dy = x - camera.x, y - camera.y
    return (
        CENTRE_X + camera.zoom * (camera.c * dx + camera.s * dy),
        CENTRE_Y + camera.zoom * (camera.c * dy - camera.s * dx),
    )


@kernel
def is_visible(camera: Camera, x: float, y: float, reach: float) -> bool:
    """Whether anything within `reach` metres of (x, y) can be in the picture."""
    px, py = to_pixels(camera, x, y)
    margin = reach * camera.zoom
    beside = px < -margin or px > F(WINDOW_W) + margin
    return not (beside or py < LOWEST_Y - margin or py > F(WINDOW_H) + margin)


@kernel
def draw_polygon(
    camera: Camera,
    scratch: Scratch,
    corners: Float32[np.ndarray, "V 2"],
    count: int,
    colour: np.uint32,
) -> None:
    """Paint a convex polygon of the world, given anticlockwise."""
    for i in range(count):
        x, y = to_pixels(camera, corners[i, 0], corners[i, 1])
        scratch.polygon[i, 0], scratch.polygon[i, 1] = x, y
    fill_polygon(scratch.canvas, scratch.polygon, count, colour, scratch.edges)


@kernel
def draw_ground(camera: Camera, scratch: Scratch, square: Float32[np.ndarray, "4 2"]) -> None:
    """The playfield with its lighter squares of grass; black outside it."""
    # The middle of the picture and the radius of the circle that contains it.
    ahead = (F(WINDOW_H + LOWEST_Y) / F(2) - CENTRE_Y) / camera.zoom
    x, y = camera.x - camera.s * ahead, camera.y + camera.c * ahead
    reach = VIEW_RADIUS_PX / camera.zoom
    if max(abs(x), abs(y)) + reach < F(PLAYFIELD):
        scratch.canvas[:] = BACKGROUND
    else:
        scratch.canvas[:] = OUTSIDE
        draw_polygon(camera, scratch, FIELD, 4, BACKGROUND)
    side = F(GRASS_DIM)
    for i in range(-20, 20, 2):
        west = side * F(i)
        if west > x + reach or west + side < x - reach:
            continue
        for j in range(-20, 20, 2):
            south = side * F(j)
            if is_visible(camera, west + side / F(2), south + side / F(2), GRASS_REACH):
                square[0, 0], square[0, 1] = west, south
                square[1, 0], square[1, 1] = west + side, south
                square[2, 0], square[2, 1] = west + side, south + side
                square[3, 0], square[3, 1] = west, south + side
                draw_polygon(camera, scratch, square, 4, GRASS)


@kernel
def draw_road(camera: Camera, scratch: Scratch, cars: Cars, w: int) -> None:
    """Tiles, each followed by its border; a tile that was touched has the plain road's colour."""
    for i in range(cars.tiles[w]):
        box = cars.boxes[w, i]
        x, y = F(0.5) * (box[0] + box[2]), F(0.5) * (box[1] + box[3])
        if not is_visible(camera, x, y, TILE_REACH):
            continue
        colour = ROAD[0] if cars.visited[w, i] else ROAD[i % 3]
        draw_polygon(camera, scratch, cars.shapes[w, i], cars.corners[w, i], colour)
        if cars.bordered[w, i]:
            draw_polygon(camera, scratch, cars.borders[w, i], 4, WHITE if i % 2 == 0 else RED)


@kernel
def draw_part(
    camera: Camera,
    scratch: Scratch,
    part: Float32[np.ndarray, "V 2"],
    count: int,
    x: float,
    y: float,
    angle: float,
    colour: np.uint32,
) -> None:
    """Paint a convex part of a body that lies at (x, y)."""
    c, s = math.cos(angle), math.sin(angle)
    for i in range(count):
        px, py = to_pixels(
            camera, x + (c * part[i, 0] - s * part[i, 1]), y + (s * part[i, 0] + c * part[i, 1])
        )
        scratch.polygon[i, 0], scratch.polygon[i, 1] = px, py
    fill_polygon(scratch.canvas, scratch.polygon, count, colour, scratch.edges)


@kernel
def place_stripe(phase: float, stripe: Float32[np.ndarray, "4 2"]) -> bool:
    """Where a wheel turned to `phase` shows its white stripe; False if it is below."""
    s1, s2 = math.sin(phase), math.sin(phase + STRIPE)
    c1, c2 = math.cos(phase), math.cos(phase + STRIPE)
    if s1 > 0 and s2 > 0:
        return False
    if s1 > 0:
        c1 = np.sign(c1)
    if s2 > 0:
        c2 = np.sign(c2)
    low, high = WHEEL_HALF * F(min(c1, c2)), WHEEL_HALF * F(max(c1, c2))
    stripe[0, 0], stripe[0, 1] = -WHEEL_SIDE, low
    stripe[1, 0], stripe[1, 1] = WHEEL_SIDE, low
    stripe[2, 0], stripe[2, 1] = WHEEL_SIDE, high
    stripe[3, 0], stripe[3, 1] = -WHEEL_SIDE, high
    return True


@kernel
def draw_car(
    camera: Camera, scratch: Scratch, cars: Cars, w: int, stripe: Float32[np.ndarray, "4 2"]
) -> None:
    """The wheels with their stripes, and over them the hull."""
    for j in range(4):
        x, y, angle = cars.bodies[w, j + 1, 0], cars.bodies[w, j + 1, 1], cars.bodies[w, j + 1, 2]
        draw_part(camera, scratch, WHEEL_POLY, 4, x, y, angle, WHEEL)
        if place_stripe(cars.wheels[w, j, PHASE], stripe):
            draw_part(camera, scratch, stripe, 4, x, y, angle, WHEEL_STRIPE)
    angle = cars.bodies[w, 0, 2]
    for i in range(4):
        draw_part(camera, scratch, HULL_PARTS[i], HULL_CORNERS[i], camera.x, camera.y, angle, HULL)


@kernel
def draw_frames(
    cars: Cars,
    index: Int64[np.ndarray, " n"],
    scratch: Scratch,
    frames: UInt8[np.ndarray, "W 64 64 3"],
) -> None:
    """Draw the cars in `index` into their `frames`."""
    quad = np.zeros((4, 2), np.float32)
    for w in index:
        x, y = hull_position(cars.bodies[w])
        angle, time_s = cars.bodies[w, 0, 2], cars.time_s[w]
        # In the first second the camera comes down.
        zoom = START_ZOOM * SCALE * max(1 - time_s, 0.0) + ZOOM * SCALE * min(time_s, 1.0)
        camera = Camera(x, y, math.cos(angle), math.sin(angle), F(zoom))
        draw_ground(camera, scratch, quad)
        draw_road(camera, scratch, cars, w)
        draw_car(camera, scratch, cars, w, quad)
        reduce_canvas(
            scratch.canvas,
            scratch.sums,
            scratch.pixels,
            scratch.line,
            scratch.cells,
            frames[w],
        )
