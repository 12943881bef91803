"""The picture in the window, and in the film."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from worldmodels.play.screen import LEAST_PX, SIZE_PX, draw, layout
from worldmodels.play.view import Gauge, View
from worldmodels.report.video import Panel


def plain(colour: tuple[int, int, int], height: int = 64, width: int = 64) -> np.ndarray:
    return np.broadcast_to(np.array(colour, np.uint8), (height, width, 3)).copy()


RED, GREEN, BLUE, YELLOW = (200, 10, 10), (10, 200, 10), (10, 10, 200), (200, 200, 10)
VIEW = View(
    panels=(
        Panel("game", plain(RED, 400, 600)),
        *(Panel("small", plain(colour)) for colour in (GREEN, BLUE, YELLOW)),
    ),
    facts=(("return", "12.3"), ("steps", "45")),
    gauges=(Gauge("steering", -0.5, True), Gauge("gas", 0.5, False)),
    banner="",
    message="",
    warning="",
    is_filmed=False,
    shows_help=False,
)


def area(picture: np.ndarray, colour: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """The box of a colour: left, top, right, bottom."""
    rows, columns = (picture == colour).all(-1).nonzero()
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


@pytest.mark.parametrize("size", [SIZE_PX, (640, 400), (1920, 1080), (1000, 1400), (2000, 500)])
def test_panels_keep_their_aspect_and_overlap_nowhere(size: tuple[int, int]) -> None:
    picture = draw(VIEW, *size)
    assert picture.shape == (size[1], size[0], 3)
    boxes = [area(picture, colour) for colour in (RED, GREEN, BLUE, YELLOW)]
    for (left, top, right, bottom), aspect in zip(boxes, (1.5, 1, 1, 1), strict=True):
        assert (right - left) / (bottom - top) == pytest.approx(aspect, rel=0.03)
        inside = picture[top:bottom, left:right]
        assert (inside == inside[0, 0]).all()
    assert boxes[0][2] - boxes[0][0] > 2 * (boxes[1][2] - boxes[1][0])


def test_small_panels_take_the_room_that_a_square_picture_leaves() -> None:
    square = dataclasses.replace(VIEW, panels=(Panel("dream", plain(RED)), *VIEW.panels[1:]))
    sides = []
    for view in (VIEW, square):
        left, _, right, _ = area(draw(view, *SIZE_PX), GREEN)
        sides.append(right - left)
    assert sides[1] > 1.5 * sides[0]


def test_a_tiny_window_gets_the_least_size_that_can_be_read() -> None:
    assert draw(VIEW, 30, 20).shape == (LEAST_PX[1], LEAST_PX[0], 3)


@pytest.mark.parametrize(
    "changes",
    [
        {"banner": "paused"},
        {"message": "there is no agent"},
        {"warning": "this machine cannot keep up"},
        {"is_filmed": True},
        {"shows_help": True},
        {"facts": (("return", "12.4"), ("steps", "45"))},
        {"gauges": (Gauge("steering", 0.5, True), Gauge("gas", 0.5, False))},
        {"gauges": (Gauge("steering", -0.5, True), Gauge("gas", 0.9, False))},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_whatever_there_is_to_say_is_seen(changes: dict[str, object]) -> None:
    changed = dataclasses.replace(VIEW, **changes)  # type: ignore[arg-type]
    assert (draw(changed, *SIZE_PX) != draw(VIEW, *SIZE_PX)).any()


def test_numbers_are_below_the_pictures() -> None:
    top = layout(*SIZE_PX, aspect=1.5).footer[1]
    other = dataclasses.replace(VIEW, facts=(("return", "-99.9"), ("steps", "46")), message="no")
    differs = (draw(other, *SIZE_PX) != draw(VIEW, *SIZE_PX)).any(-1)
    assert differs[top:].any()
    assert not differs[:top].any()


def test_a_text_too_long_for_the_window_does_not_fail() -> None:
    draw(dataclasses.replace(VIEW, message="word " * 100, banner="word " * 50), *LEAST_PX)
