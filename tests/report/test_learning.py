"""Learning curves: every number in its place, the original's beside them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from worldmodels.experiment import Experiment, find_experiment
from worldmodels.report.page.learning import Search, learning_curves
from worldmodels.report.progress import History


def history(generations: int, hours: float) -> History:
    """A search that is evaluated every second generation."""
    count = np.arange(1.0, generations + 1)
    evaluation = np.where(count % 2 == 0, 10 * count, np.nan)
    return History(count, 1000 * count, hours * count / generations, count, 2 * count, evaluation)


def drawn(number: int, searches: list[Search], experiment: Experiment, mark: float | None) -> Axes:
    axes = Figure().add_subplot()
    learning_curves(searches, experiment, mark)[number].draw(axes)
    return axes


def line(axes: Axes, label: str) -> np.ndarray:
    """The points of the line with this label, (N, 2)."""
    return next(one.get_xydata() for one in axes.lines if one.get_label() == label)


@pytest.fixture
def car() -> Experiment:
    return find_experiment("carracing")


def test_evaluations_are_drawn_where_they_were_made(car: Experiment) -> None:
    axes = drawn(0, [Search("mine", history(4, 1))], car, None)
    points = line(axes, "evaluation of the mean")
    np.testing.assert_array_equal(points, [[2000, 20], [4000, 40]])


@pytest.mark.parametrize(("number", "first"), [(0, 25.5e6), (1, 15)])
def test_the_originals_curve_is_in_the_same_picture(
    car: Experiment, number: int, first: float
) -> None:
    axes = drawn(number, [Search("mine", history(4, 1))], car, None)
    points = line(axes, "the original, 64 cores")
    assert points[0].tolist() == [first, 823]
    assert points[:, 1].tolist() == [823, 867, 880, 895, 900.5]


def test_what_nobody_says_of_the_original_is_not_drawn() -> None:
    axes = drawn(1, [Search("mine", history(4, 1))], find_experiment("doom"), None)
    assert line(axes, "the original, 64 cores").tolist() == [[2.9, 815]]


def test_the_axis_is_logarithmic_only_where_orders_of_magnitude_are_shown(car: Experiment) -> None:
    alone = dataclasses.replace(car, learning_curve=None)
    assert drawn(0, [Search("mine", history(4, 1))], car, None).get_xscale() == "log"
    assert drawn(0, [Search("mine", history(4, 1))], alone, None).get_xscale() == "linear"


def test_a_search_of_one_generation_can_be_drawn(car: Experiment) -> None:
    axes = drawn(0, [Search("mine", history(1, 1))], car, 900)
    assert line(axes, "solved")[:, 1].tolist() == [900, 900]


def test_several_searches_differ_in_colour_and_name(car: Experiment) -> None:
    searches = [Search("one", history(4, 1)), Search("other", history(6, 2))]
    axes = drawn(0, searches, car, None)
    colours = {one.get_label(): one.get_color() for one in axes.lines}
    assert colours["one"] != colours["other"]


@pytest.mark.parametrize("name", ["carracing", "doom"])
def test_a_published_curve_goes_forward(name: str) -> None:
    curve = find_experiment(name).learning_curve
    assert curve is not None
    for numbers in (
        [p.generation for p in curve.points],
        [p.env_steps for p in curve.points if p.env_steps],
        [p.hours for p in curve.points if p.hours],
    ):
        assert numbers == sorted(numbers)
