"""The README's tables of scores and learning curves, from the agents in worldmodels/zoo.

python scripts/results.py            # print them
python scripts/results.py --write    # put them into README.md, and draw the curves
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
from worldmodels.report.page.charts import Chart
from worldmodels.report.page.learning import Search, learning_curves
from worldmodels.report.progress import read_history
from worldmodels.report.statistics import Summary
from worldmodels.report.tables import markdown_line, results_markdown

ROOT = Path(__file__).parents[1]
ZOO = ROOT / "worldmodels/zoo"
README = ROOT / "README.md"
MARKS = ("<!-- made by scripts/results.py -->", "<!-- end -->")
CURVES = ZOO / "scores"
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
        for game in GAMES:
            for chart in curves(game):
                chart.save(CURVES, kinds=("png",))
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
    charts = curves(game)
    if charts:
        dreaming = ", evaluated in the dream" if experiment.done_head else ""
        yield (
            f"How the shipped agent's C was found in {experiment.title}{dreaming}; the searches "
            f"that it began with are counted in:\n"
        )
        yield "".join(f"![{c.said}]({_picture(c).relative_to(ROOT)})\n" for c in charts)
    temperatures = read(ZOO / f"scores/{game}-temperatures.json")
    if temperatures is not None:
        yield temperature_table(experiment, temperatures)


def curves(game: str) -> list[Chart]:
    """The learning curves of the shipped agent's C, against steps and against hours."""
    history = read_history(ZOO / game / "ctrl")
    if history is None:
        return []
    experiment = find_experiment(game)
    mark = None if experiment.done_head else experiment.solved
    charts = learning_curves([Search("the shipped agent", history)], experiment, mark)
    return [dataclasses.replace(chart, name=f"{game}-{chart.name}") for chart in charts]


def _picture(chart: Chart) -> Path:
    return CURVES / f"{chart.name}.png"


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
