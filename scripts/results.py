"""The README's tables of scores, from the reports in worldmodels/zoo.

python scripts/results.py            # print them
python scripts/results.py --write    # put them into README.md
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from worldmodels.experiment import Experiment, find_experiment
from worldmodels.report.statistics import Summary
from worldmodels.report.tables import markdown_line, results_markdown

ROOT = Path(__file__).parents[1]
ZOO = ROOT / "worldmodels/zoo"
README = ROOT / "README.md"
MARKS = ("<!-- made by scripts/results.py -->", "<!-- end -->")
GAMES = ("carracing", "doom")
ROWS = {"{game}/report.json": "the shipped agent", "scores/{game}-random.json": "random policy"}

# Table 2 of Ha & Schmidhuber (2018): temperature, score in the dream, score in the game.
PUBLISHED = {
    0.10: ("2086 ± 140", "193 ± 58"),
    0.50: ("2060 ± 277", "196 ± 50"),
    1.00: ("1145 ± 690", "868 ± 511"),
    1.15: ("918 ± 546", "1092 ± 556"),
    1.30: ("732 ± 269", "753 ± 139"),
}


def main() -> None:
    """Print the tables, or write them between the marks in the README."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true", help="change README.md")
    if parser.parse_args().write:
        README.write_text(inserted(README.read_text()))
    else:
        print(tables())


def inserted(page: str) -> str:
    """`page` with the tables between the marks."""
    begin, end = MARKS
    pattern = re.compile(f"(?<={re.escape(begin)}\n).*?(?={re.escape(end)})", re.DOTALL)
    return pattern.sub(lambda _: f"\n{tables()}\n", page)


def tables() -> str:
    """The tables of all games, as Markdown."""
    return "\n".join(part for game in GAMES for part in _parts(game))


def _parts(game: str) -> Iterator[str]:
    reports = {name: read(ZOO / file.format(game=game)) for file, name in ROWS.items()}
    found = {name: report for name, report in reports.items() if report is not None}
    if not found:
        return
    experiment = find_experiment(game)
    yield results_markdown(experiment, [(name, _summary(r)) for name, r in found.items()])
    yield "".join(f"{_capital(name)}: {_circumstances(r)}\n" for name, r in found.items())
    temperatures = read(ZOO / f"scores/{game}-temperatures.json")
    if temperatures is not None:
        yield temperature_table(experiment, temperatures)


def temperature_table(experiment: Experiment, rows: list[dict[str, Any]]) -> str:
    """One C a temperature of the dream that it was evolved in: its score there and in the game."""
    lines = [
        f"A C of its own for each temperature of the dream of {experiment.title}: return in that "
        f"dream, and in the game that it never saw.",
        "",
        markdown_line(("temperature", "dream", "game", "the paper: dream", "game")),
        markdown_line(("---:",) * 5),
    ]
    for row in rows:
        dream, game = (f"{row[k]['mean']:.0f} ± {row[k]['std']:.0f}" for k in ("dream", "game"))
        lines.append(
            markdown_line(
                (f"{row['temperature']:.2f}", dream, game, *PUBLISHED[row["temperature"]])
            )
        )
    return "\n".join(lines) + "\n"


def read(file: Path) -> Any:
    """What a JSON file says; None if it is not there."""
    return json.loads(file.read_text()) if file.is_file() else None


def _summary(report: dict[str, Any]) -> Summary:
    return Summary(**{field.name: report[field.name] for field in dataclasses.fields(Summary)})


def _circumstances(report: dict[str, Any]) -> str:
    seeds = report["seeds"]
    return f"{report['played_in']}, seeds {seeds[0]} to {seeds[-1]}."


def _capital(name: str) -> str:
    return name[0].upper() + name[1:]


if __name__ == "__main__":
    main()
