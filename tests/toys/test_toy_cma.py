"""The toy of C: its function, the search, and the film."""

from __future__ import annotations

import itertools
from pathlib import Path

import cma.fitness_functions
import numpy as np
import pytest
from PIL import Image
from pixels import pixels

from worldmodels.toys import cma as toy
from worldmodels.toys.cma_film import film, principal_axes


@pytest.fixture(scope="module")
def generations() -> list[toy.Generation]:
    return toy.search(seed=1)


def test_minimum_of_the_function_is_0_where_it_is_said_to_be() -> None:
    assert toy.schaffer(toy.MINIMUM[np.newaxis]).tolist() == [0]
    points = np.random.default_rng(0).uniform(-100, 100, (100_000, 2))
    near = toy.MINIMUM + np.random.default_rng(1).normal(0, 1e-3, (100_000, 2))
    assert toy.schaffer(points).min() > 0
    assert toy.schaffer(near).min() > 0


def test_function_equals_the_one_in_pycma() -> None:
    points = np.random.default_rng(0).normal(0, 10, (100, 2))
    reference = [cma.fitness_functions.ff.schaffer(point - toy.MINIMUM) for point in points]
    np.testing.assert_allclose(toy.schaffer(points), reference, rtol=1e-9)


def test_function_has_local_minima_all_the_way_to_its_minimum() -> None:
    distance = np.linspace(0.5, 20, 200_000)
    values = toy.schaffer(toy.MINIMUM + np.stack([distance, 0 * distance], axis=1))
    is_low = (values[1:-1] < values[:-2]) & (values[1:-1] < values[2:])
    assert is_low.sum() > 10


@pytest.mark.parametrize("seed", range(5))
def test_search_finds_the_minimum(seed: int) -> None:
    last = toy.search(seed)[-1]
    assert last.values.min() < 0.1
    np.testing.assert_allclose(last.mean, toy.MINIMUM, atol=0.01)


def test_candidates_are_drawn_around_the_mean(generations: list[toy.Generation]) -> None:
    for generation in generations:
        deviations = generation.candidates - generation.mean
        squared = np.einsum(
            "pi,ij,pj->p", deviations, np.linalg.inv(generation.covariance), deviations
        )
        assert 0.8 < squared.mean() < 4.5  # 2 is expected of two dimensions


def test_principal_axes_are_the_deviations_along_the_ellipse_and_its_angle() -> None:
    angle = np.radians(30)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    deviations, degrees = principal_axes(turn @ np.diag([9.0, 4.0]) @ turn.T)
    np.testing.assert_allclose(deviations, [3, 2])
    assert degrees % 180 == pytest.approx(30)


def test_film_has_one_frame_a_generation_and_each_is_another(
    generations: list[toy.Generation], tmp_path: Path
) -> None:
    film(generations[:6], tmp_path / "f.gif")
    pictures = pixels(tmp_path / "f.gif")
    assert len(pictures) == 6
    for one, next_one in itertools.pairwise(pictures):
        assert (one != next_one).any(-1).sum() > 100


def test_film_is_900_pixels_wide_and_holds_its_last_frame(
    generations: list[toy.Generation], tmp_path: Path
) -> None:
    film(generations[:2], tmp_path / "f.gif")
    with Image.open(tmp_path / "f.gif") as image:
        assert image.width == 900
        first_ms = image.info["duration"]
        image.seek(1)
        assert image.info["duration"] > 10 * first_ms
