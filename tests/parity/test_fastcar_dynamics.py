"""The fast car's physics, tiles and rewards against the official game's, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from official_car import (
    Moment,
    Policy,
    drive,
    make_blind,
    official_bodies,
    official_wheels,
    pilot,
    rough,
    standing,
    straight_on,
)

from worldmodels.worlds.fastcar import constants, raster

DRIVES: dict[str, tuple[int, Policy]] = {
    **{f"rough-{seed}": (seed, rough(seed)) for seed in range(5)},
    "lap-3": (3, pilot),
    "lap-6": (6, pilot),
    "crash": (2, straight_on),
    "standing": (3, standing),
}


@pytest.fixture(scope="module", params=DRIVES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def trace(name: str) -> list[dict[str, np.ndarray]]:
    """What both games were like after every step, one pair of arrays a kind."""
    return [snapshot(moment) for moment in drive(*DRIVES[name])]


def snapshot(moment: Moment) -> dict[str, np.ndarray]:
    env, cars = moment.official, moment.fast
    visited = [tile.road_visited for tile in env.road]
    none = (np.nan, False)
    pairs = {
        "bodies": (official_bodies(env), cars.bodies[0]),
        "wheels": (official_wheels(env), cars.wheels[0]),
        "on road": ([len(wheel.tiles) > 0 for wheel in env.car.wheels], cars.on_road[0]),
        "visited": (visited, cars.visited[0, : len(visited)]),
        "outcome": (moment.official_outcome or none, moment.fast_outcome or none),
    }
    return {kind: np.array([official, fast]) for kind, (official, fast) in pairs.items()}


@pytest.mark.parametrize("kind", ["bodies", "wheels", "on road", "visited", "outcome"])
def test_whole_episodes_equal_the_official_ones_bit_for_bit(
    trace: list[dict[str, np.ndarray]], kind: str
) -> None:
    official, fast = np.stack([moment[kind] for moment in trace], axis=1)
    np.testing.assert_array_equal(fast, official)


def test_the_drives_cover_laps_crashes_grass_limits_and_sleep(
    name: str, trace: list[dict[str, np.ndarray]]
) -> None:
    bodies = np.stack([moment["bodies"][0] for moment in trace])
    reward, terminated = trace[-1]["outcome"][0]
    if name.startswith("rough"):
        angle = bodies[:, 1, 2] - bodies[:, 0, 2]
        assert (np.abs(angle) > 0.39).any()
        assert not np.stack([moment["on road"][0] for moment in trace]).all()
    elif name.startswith("lap"):
        assert terminated
        assert reward > 0
    elif name == "crash":
        assert (reward, terminated) == (-100, True)
    else:
        asleep = ~bodies[30:, :, 3:].any(axis=(1, 2))
        assert asleep.any()


def test_a_lap_may_end_at_the_start_line_if_few_tiles_suffice() -> None:
    outcomes = list(drive(1, pilot, steps=5, lap=0.0))
    assert outcomes[-1].official_outcome == outcomes[-1].fast_outcome
    assert outcomes[-1].official_outcome is not None
    assert outcomes[-1].official_outcome[1]


def test_masses_centres_and_inertias_are_those_of_box2ds_bodies() -> None:
    env = make_blind()
    env.reset(seed=0)
    hull, wheel = env.car.hull, env.car.wheels[0]
    assert (hull.mass, hull.inertia) == (constants.HULL_MASS, constants.HULL_INERTIA)
    assert tuple(hull.localCenter) == constants.HULL_CENTRE
    assert (wheel.mass, wheel.inertia) == (constants.WHEEL_MASS, constants.WHEEL_INERTIA)
    assert tuple(wheel.localCenter) == (0, 0)
    np.testing.assert_array_equal(constants.WHEEL_POLY, wheel.fixtures[0].shape.vertices)


def test_the_hulls_parts_are_box2ds_fixtures() -> None:
    env = make_blind()
    env.reset(seed=0)
    for part, corners, fixture in zip(
        raster.HULL_PARTS, raster.HULL_CORNERS, env.car.hull.fixtures, strict=True
    ):
        expected = {tuple(vertex) for vertex in np.float32(fixture.shape.vertices).tolist()}
        assert {tuple(vertex) for vertex in part[:corners].tolist()} == expected


@pytest.mark.parametrize(
    ("ours", "module", "names"),
    [
        (
            constants,
            "car_racing",
            "FPS SCALE PLAYFIELD TRACK_RAD TRACK_DETAIL_STEP TRACK_TURN_RATE TRACK_WIDTH BORDER "
            "BORDER_MIN_COUNT WINDOW_W WINDOW_H STATE_W STATE_H ZOOM GRASS_DIM",
        ),
        (
            constants,
            "car_dynamics",
            "SIZE ENGINE_POWER WHEEL_MOMENT_OF_INERTIA FRICTION_LIMIT WHEEL_R WHEEL_W WHEEL_WHITE",
        ),
    ],
)
def test_constants_are_the_official_modules(ours: object, module: str, names: str) -> None:
    import importlib

    official = importlib.import_module(f"gymnasium.envs.box2d.{module}")
    for name in names.split():
        assert getattr(ours, name) == getattr(official, name), name
