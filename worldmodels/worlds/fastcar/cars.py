"""The state of many cars, and one step of some of them."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float32, Int8, Int32, Int64

from worldmodels.kernel import kernel
from worldmodels.worlds.fastcar.constants import (
    CRASH_REWARD,
    DT,
    HULL_CENTRE,
    LAP_REWARD,
    PLAYFIELD,
    SIZE,
    STEP_REWARD,
    WHEELPOS,
    F,
)
from worldmodels.worlds.fastcar.dynamics import COLUMNS, LONGEST_PERIOD, step_bodies
from worldmodels.worlds.fastcar.tiles import touch_tiles
from worldmodels.worlds.fastcar.track import Track
from worldmodels.worlds.fastcar.wheels import turn_wheels

HULL_X, HULL_Y = HULL_CENTRE
USUAL_TILES = 384  # room for most tracks; there are longer ones


class Cars(NamedTuple):
    """W cars and their tracks of up to N tiles; a car is the same row everywhere.

    What a step needs only while it lasts is here too, so that nothing is allocated and threads
    that move different cars share nothing.
    """

    bodies: Float32[np.ndarray, "W 5 6"]  # see dynamics.py
    joints: Float32[np.ndarray, "W 4 4"]
    limits: Int8[np.ndarray, "W 4"]
    calm_s: Float32[np.ndarray, "W 5"]
    wheels: Float[np.ndarray, "W 4 3"]  # see wheels.py
    on_road: Bool[np.ndarray, "W 4"]
    score: Float[np.ndarray, "W 2"]  # sum of rewards now and a step ago
    time_s: Float[np.ndarray, " W"]
    # The tracks.
    tiles: Int64[np.ndarray, " W"]  # how many
    shapes: Float32[np.ndarray, "W N 4 2"]
    corners: Int32[np.ndarray, "W N"]
    boxes: Float32[np.ndarray, "W N 4"]  # left, bottom, right, top
    borders: Float32[np.ndarray, "W N 4 2"]  # anticlockwise
    bordered: Bool[np.ndarray, "W N"]
    visited: Bool[np.ndarray, "W N"]
    tally: Int64[np.ndarray, "W 2"]  # tiles visited; 1 once the lap is complete
    # Scratch.
    forces: Float32[np.ndarray, "W 4 2"]
    speeds: Float32[np.ndarray, "W 4"]
    table: Float32[np.ndarray, "W 4 13"]
    kept: Float32[np.ndarray, "W 5 5"]
    pushes: Float32[np.ndarray, "W 4 4 2"]
    simplex: Float32[np.ndarray, "W 3 7"]
    ids: Int32[np.ndarray, "W 3 2"]


def make_cars(W: int, N: int = USUAL_TILES) -> Cars:
    """W cars, not yet on any track, with room for tracks of N tiles."""
    f, i = np.float32, np.int32
    return Cars(
        bodies=np.zeros((W, 5, 6), f),
        joints=np.zeros((W, 4, 4), f),
        limits=np.zeros((W, 4), np.int8),
        calm_s=np.zeros((W, 5), f),
        wheels=np.zeros((W, 4, 3)),
        on_road=np.zeros((W, 4), np.bool_),
        score=np.zeros((W, 2)),
        time_s=np.zeros(W),
        tiles=np.zeros(W, np.int64),
        shapes=np.zeros((W, N, 4, 2), f),
        corners=np.zeros((W, N), i),
        boxes=np.zeros((W, N, 4), f),
        borders=np.zeros((W, N, 4, 2), f),
        bordered=np.zeros((W, N), np.bool_),
        visited=np.zeros((W, N), np.bool_),
        tally=np.zeros((W, 2), np.int64),
        forces=np.zeros((W, 4, 2), f),
        speeds=np.zeros((W, 4), f),
        table=np.zeros((W, 4, COLUMNS), f),
        kept=np.zeros((W, 5, 5), f),
        pushes=np.zeros((W, LONGEST_PERIOD, 4, 2), f),
        simplex=np.zeros((W, 3, 7), f),
        ids=np.zeros((W, 3, 2), i),
    )


def with_room(cars: Cars, N: int) -> Cars:
    """`cars`, or their copy with room for tracks of N tiles."""
    if cars.visited.shape[1] >= N:
        return cars
    larger = make_cars(len(cars.bodies), N)
    for old, new in zip(cars, larger, strict=True):
        new[tuple(slice(size) for size in old.shape)] = old
    return larger


def put_on_track(cars: Cars, w: int, track: Track) -> None:
    """Car w as new at the start of `track`, for which there must be room.

    The official game places the wheels as if the car pointed north. Its joints pull them to their
    places within the first step.
    """
    for state in cars:
        state[w] = 0
    N = len(track.points)
    cars.tiles[w] = N
    cars.shapes[w, :N] = track.shapes
    cars.corners[w, :N] = track.corners
    tiles = track.tiles.astype(np.float32)
    cars.boxes[w, :N, :2] = tiles.min(axis=1)
    cars.boxes[w, :N, 2:] = tiles.max(axis=1)
    # Those on the right of the road run clockwise.
    first, second = np.diff(track.borders, axis=1)[:, :2].swapaxes(0, 1)
    clockwise = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0] < 0
    cars.borders[w, :N] = track.borders
    cars.borders[w, :N][clockwise] = track.borders[clockwise, ::-1]
    cars.bordered[w, :N] = track.bordered
    _, beta, x, y = track.points[0]
    place_bodies(cars.bodies[w], x, y, beta)


@kernel
def place_bodies(bodies: Float32[np.ndarray, "5 6"], x: float, y: float, angle: float) -> None:
    """The car's bodies where `Car.__init__` makes them."""
    bodies[:, 2] = angle
    c, s = math.cos(bodies[0, 2]), math.sin(bodies[0, 2])
    bodies[0, 0] = (c * HULL_X - s * HULL_Y) + F(x)
    bodies[0, 1] = (s * HULL_X + c * HULL_Y) + F(y)
    for j in range(4):
        bodies[j + 1, 0] = x + WHEELPOS[j][0] * SIZE
        bodies[j + 1, 1] = y + WHEELPOS[j][1] * SIZE


@kernel
def hull_position(bodies: Float32[np.ndarray, "5 6"]) -> tuple[float, float]:
    """The hull's origin, which is not quite its centre of mass."""
    c, s = math.cos(bodies[0, 2]), math.sin(bodies[0, 2])
    x = bodies[0, 0] - (c * HULL_X - s * HULL_Y)
    y = bodies[0, 1] - (s * HULL_X + c * HULL_Y)
    return x, y


@kernel
def move_car(cars: Cars, w: int, action: Float[np.ndarray, " 3"], lap_percent: float) -> None:
    """`Car.step` and `World.Step` for car w, with the rewards for new tiles."""
    # Friction is that of the tiles touched a step ago.
    turn_wheels(
        action, cars.bodies[w], cars.wheels[w], cars.on_road[w], cars.forces[w], cars.speeds[w]
    )
    new, start = touch_tiles(
        cars.bodies[w],
        cars.tiles[w],
        cars.shapes[w],
        cars.corners[w],
        cars.boxes[w],
        cars.visited[w],
        cars.on_road[w],
        cars.simplex[w],
        cars.ids[w],
    )
    cars.tally[w, 0] += new
    for _ in range(new):  # one by one: the order of additions shows in the last bit
        cars.score[w, 0] += LAP_REWARD / cars.tiles[w]
    if start and cars.tally[w, 0] / cars.tiles[w] > lap_percent:
        cars.tally[w, 1] = 1
    step_bodies(
        cars.bodies[w],
        cars.joints[w],
        cars.limits[w],
        cars.calm_s[w],
        cars.forces[w],
        cars.speeds[w],
        cars.table[w],
        cars.kept[w],
        cars.pushes[w],
    )
    cars.time_s[w] += DT


@kernel
def move_cars(
    cars: Cars, index: Int64[np.ndarray, " n"], actions: Float32[np.ndarray, "W 3"], lap: float
) -> None:
    """Move the cars in `index` on; more than the share `lap` of the tiles makes a lap.

    With actions of zero this is the step with which an official reset ends.
    """
    for w in index:
        move_car(cars, w, actions[w].astype(np.float64), lap)


@kernel
def judge_cars(
    cars: Cars,
    index: Int64[np.ndarray, " n"],
    reward: Float[np.ndarray, " W"],
    terminated: Bool[np.ndarray, " W"],
) -> None:
    """Fill `reward` and `terminated` of the cars in `index`, which have just moved."""
    for w in index:
        cars.score[w, 0] += STEP_REWARD
        reward[w] = cars.score[w, 0] - cars.score[w, 1]
        cars.score[w, 1] = cars.score[w, 0]
        terminated[w] = cars.tally[w, 0] == cars.tiles[w] or cars.tally[w, 1] == 1
        x, y = hull_position(cars.bodies[w])
        if abs(x) > PLAYFIELD or abs(y) > PLAYFIELD:
            terminated[w] = True
            reward[w] = CRASH_REWARD
