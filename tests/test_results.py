"""The README's scores are those of the reports beside the shipped agents."""

from __future__ import annotations

import re
from pathlib import Path

import results

ROOT = Path(__file__).parents[1]


def test_tables_in_the_readme_are_those_of_the_reports() -> None:
    page = (ROOT / "README.md").read_text()
    assert results.tables() in page
    assert results.inserted(page) == page, "run: python scripts/results.py --write"


def test_pictures_that_the_tables_show_are_there() -> None:
    for picture in re.findall(r"\]\((.*?)\)", results.tables()):
        assert (ROOT / picture).is_file(), "run: python scripts/results.py --write"


def test_only_what_is_between_the_marks_is_replaced() -> None:
    begin, end = results.MARKS
    page = results.inserted(f"above\n{begin}\nold\n{end}\nbelow\n")
    assert page.startswith(f"above\n{begin}\n")
    assert page.endswith(f"{end}\nbelow\n")
    assert "old" not in page.split("\n")


def test_agents_are_scored_on_a_hundred_official_episodes_with_seeds_of_their_own() -> None:
    for folder in results.ZOO.glob("*/card.md"):
        report = results.read(folder.parent / "report.json")
        assert report["episodes"] >= 100
        assert len(set(report["seeds"])) == len(report["returns"]) == report["episodes"]
        assert "official" in report["played_in"]
