"""Charts of characters: their size, their range, and dots where the points are."""

from __future__ import annotations

import math

from worldmodels.report.watch.braille import EDGE, Curve, chart


def cells(lines: list[str], width: int) -> list[str]:
    """The lines behind the axis, padded to one width."""
    return [line.split(EDGE, 1)[1].ljust(width) for line in lines]


def test_a_chart_has_the_size_that_was_asked_for() -> None:
    lines = chart([Curve(range(50), [x * x for x in range(50)])], 40, 7, plain=True)
    assert len(lines) == 7
    assert max(map(len, lines)) == 40


def test_the_range_is_at_the_top_and_at_the_bottom() -> None:
    lines = chart([Curve([0, 1], [-50, 900])], 30, 5, plain=True)
    assert lines[0].split(EDGE)[0].strip() == "900"
    assert lines[-1].split(EDGE)[0].strip() == "-50"


def test_a_rising_line_goes_from_the_lower_left_to_the_upper_right() -> None:
    rows = cells(chart([Curve(range(10), range(10))], 30, 6, plain=True), 27)
    filled = [[i for i, c in enumerate(row) if c != " "] for row in rows]
    assert all(filled)
    middles = [sum(places) / len(places) for places in filled]
    assert middles == sorted(middles, reverse=True)


def test_points_far_apart_are_joined() -> None:
    rows = cells(chart([Curve([0, 100], [0, 1])], 30, 5, plain=True), 27)
    assert all(any(row[column] != " " for row in rows) for column in range(25))


def test_a_mark_is_one_character_at_its_point() -> None:
    curves = [Curve([0, 1], [0, 1]), Curve([1], [1], mark="◆")]
    lines = chart(curves, 30, 5, plain=True)
    assert "".join(lines).count("◆") == 1
    assert lines[0].endswith("◆")


def test_values_that_are_not_finite_leave_a_gap() -> None:
    y = [0.0, 0.0, math.nan, math.inf, 1.0, 1.0]
    rows = cells(chart([Curve(range(6), y)], 40, 4, plain=True), 37)
    assert not any(row[18] != " " for row in rows)


def test_a_chart_without_points_is_empty() -> None:
    assert chart([Curve([], [])], 30, 4, plain=True) == [EDGE] * 4


def test_one_point_can_be_drawn() -> None:
    lines = chart([Curve([5], [7])], 30, 4, plain=True)
    assert lines[0].startswith("7")


def test_colours_end_where_they_began() -> None:
    line = chart([Curve([0, 1], [0, 1], "\x1b[34m")], 20, 1, plain=False)[0]
    assert line.count("\x1b[34m") == line.count("\x1b[0m") > 0
    assert "\x1b" not in chart([Curve([0, 1], [0, 1], "\x1b[34m")], 20, 1, plain=True)[0]
