"""Tracks of the fast car against the official game's, for hundreds of seeds."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from gymnasium.utils.seeding import np_random
from official_car import make_blind

from worldmodels.worlds.fastcar.track import Track, make_track

SEEDS = range(300)


@pytest.fixture(scope="module")
def pairs() -> list[tuple[Any, Track]]:
    """The official track of every seed (points, polygons, Box2D shapes), and ours."""
    return list(make_pairs())


def make_pairs() -> Iterator[tuple[Any, Track]]:
    env = make_blind()
    env.reset(seed=0)
    for seed in SEEDS:
        env._destroy()
        env.road_poly = []
        env.car = SimpleNamespace(destroy=lambda: None)
        env.np_random = np_random(seed)[0]
        while not env._create_track():
            pass
        official = SimpleNamespace(
            points=np.array(env.track),
            polygons=np.array([polygon for polygon, _ in env.road_poly]),
            shapes=[body.fixtures[0].shape.vertices for body in env.road],
        )
        yield official, make_track(np_random(seed)[0])


def test_the_points_of_a_track_are_the_official_ones_to_the_last_bit(
    pairs: list[tuple[Any, Track]],
) -> None:
    for official, track in pairs:
        np.testing.assert_array_equal(track.points, official.points)


def test_tiles_and_borders_are_the_official_polygons_to_the_last_bit(
    pairs: list[tuple[Any, Track]],
) -> None:
    for official, track in pairs:
        polygons = []
        for tile, border, bordered in zip(track.tiles, track.borders, track.bordered, strict=True):
            polygons += [tile, border] if bordered else [tile]
        np.testing.assert_array_equal(np.array(polygons), official.polygons)


def test_the_shapes_of_tiles_are_those_that_box2d_keeps(pairs: list[tuple[Any, Track]]) -> None:
    for official, track in pairs[:100]:
        for shape, corners, expected in zip(
            track.shapes, track.corners, official.shapes, strict=True
        ):
            np.testing.assert_array_equal(shape[:corners], np.array(expected, np.float32))


def test_the_next_track_of_a_generator_is_the_official_next_one() -> None:
    env = make_blind()
    env.reset(seed=3)
    env.reset()
    random, _ = np_random(3)
    make_track(random)
    np.testing.assert_array_equal(make_track(random).points, np.array(env.track))
