"""Parts of a page: whatever is in them, they are well-formed HTML."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from worldmodels.experiment import find_experiment
from worldmodels.report.page.blocks import (
    Illustration,
    Listing,
    Markup,
    Paragraph,
    Section,
    Table,
    missing,
)
from worldmodels.report.page.results import results_table
from worldmodels.report.page.strips import CELL_PX, GAP_PX, Row, Strips
from worldmodels.report.statistics import Summary

NASTY = "<i>&\"'$x</i>"
FRAMES = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), np.uint8)


@pytest.mark.parametrize(
    "block",
    [
        Paragraph(NASTY),
        missing(NASTY, NASTY),
        Table((NASTY,), [(NASTY,)]),
        Listing(NASTY),
        Section(NASTY, []),
        Illustration([Strips("x", [Row(NASTY, FRAMES, NASTY)], [NASTY] * 3)], NASTY),
    ],
)
def test_special_characters_are_escaped(block: Paragraph) -> None:
    markup = block.html()
    assert "<i>" not in markup
    assert "&lt;i&gt;&amp;" in markup


def test_markup_stays_as_it_is() -> None:
    assert "<td><i>x</i></td>" in Table(("a",), [(Markup("<i>x</i>"),)]).html()


def test_numbers_are_aligned_right() -> None:
    markup = Table(("name", "score"), [("a", "1")], numeric=(1,)).html()
    assert '<td>a</td><td class="number">1</td>' in markup


def pictures(strips: Strips) -> list[np.ndarray]:
    sources = re.findall(r"data:image/webp;base64,([^\"]+)", strips.html())
    return [np.array(Image.open(io.BytesIO(base64.b64decode(source)))) for source in sources]


def test_frames_are_in_the_page_pixel_for_pixel() -> None:
    (picture,) = pictures(Strips("x", [Row("a", FRAMES)], [""] * 3))
    for number, frame in enumerate(FRAMES):
        left = number * CELL_PX + GAP_PX
        np.testing.assert_array_equal(picture[GAP_PX:-GAP_PX, left : left + 64, :3], frame)


def test_frames_that_are_not_there_are_transparent() -> None:
    whole, short = pictures(Strips("x", [Row("a", FRAMES), Row("b", FRAMES[:1])], [""] * 3))
    assert whole.shape == short.shape
    assert short[:, CELL_PX:, 3].max() == 0
    assert whole[GAP_PX:-GAP_PX, -GAP_PX - 64 : -GAP_PX, 3].min() == 255


def test_strips_are_saved_as_a_picture(tmp_path: Path) -> None:
    strips = Strips("dreams", [Row("τ = 1", FRAMES), Row("τ = 2", FRAMES[:1])], list("abc"))
    (path,) = strips.save(tmp_path)
    assert path.name == "dreams.png"
    with Image.open(path) as image:
        assert image.width > 3 * 128


def test_every_score_has_its_dot_in_order() -> None:
    car = find_experiment("carracing")
    summary = Summary(100, 899.64, 54.2, 888.9, 909.8, -12.3, 912.4, 1011.1)
    markup = results_table(car, [("mine", summary)]).html()
    dots = [float(x) for x in re.findall(r'<circle cx="([\d.]+)"', markup)]
    means = [summary.mean, *(score.mean for score in car.scores)]
    assert np.argsort(dots).tolist() == np.argsort(means).tolist()
    assert min(dots) >= 0
    assert "−72" in markup
