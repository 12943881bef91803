"""Charts in a page: the page's colours, names of their own, nothing from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image

from worldmodels.report.page import document
from worldmodels.report.page.charts import SERIES, VARIABLES, Chart, Line, line_chart

CSS = (Path(document.__file__).parent / "page.css").read_text()


@pytest.fixture(scope="module")
def chart() -> Chart:
    lines = [Line("trained & <held out>", [1, 2, 3], [3, 2, 1], SERIES[0], dashed=True)]
    return line_chart("losses", "a loss that falls", "step", "loss", lines)


@pytest.fixture(scope="module")
def markup(chart: Chart) -> str:
    return chart.html()


def test_every_colour_is_one_of_the_page(markup: str) -> None:
    assert not re.findall(r"#[0-9a-f]{6}", markup)
    assert set(re.findall(r"var\((--[\w-]+)\)", markup)) <= set(VARIABLES.values())


def test_the_colours_of_a_file_are_the_pages_by_light() -> None:
    light, dark = CSS.split("prefers-color-scheme: dark")
    for colour, variable in VARIABLES.items():
        assert f"{variable}: {colour};" in light
        assert f"{variable}: #" in dark


def test_texts_are_texts(markup: str) -> None:
    assert "trained &amp; &lt;held out&gt;</text>" in markup


def test_what_it_shows_is_said_to_those_who_cannot_see_it(markup: str) -> None:
    assert markup.startswith('<svg class="chart" role="img" aria-label="a loss that falls"')


def test_two_charts_of_a_page_share_no_names(chart: Chart, markup: str) -> None:
    other = Chart("others", chart.said, chart.draw).html()
    mine, its = (set(re.findall(r'\bid="([^"]+)"', text)) for text in (markup, other))
    assert mine
    assert not mine & its


def test_every_name_that_is_referred_to_is_there(markup: str) -> None:
    names = set(re.findall(r'\bid="([^"]+)"', markup))
    assert set(re.findall(r'(?:url\(#|href="#)([^")]+)', markup)) <= names


def test_the_same_chart_is_the_same_text(chart: Chart, markup: str) -> None:
    assert chart.html() == markup


def test_a_chart_is_saved_as_svg_and_png(chart: Chart, tmp_path: Path) -> None:
    vector, pixels = chart.save(tmp_path / "figures")
    assert vector.read_text().startswith("<?xml")
    assert "var(" not in vector.read_text()
    with Image.open(pixels) as image:
        assert image.format == "PNG"
        assert image.width > 1000
