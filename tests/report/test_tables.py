"""Tables of scores: ours above the published ones, in a terminal and in Markdown."""

from __future__ import annotations

import dataclasses

import pytest

from worldmodels.experiment import Experiment, find_experiment
from worldmodels.report.statistics import Summary, summarise
from worldmodels.report.tables import WIDTH, results_markdown, results_text

OURS = Summary(100, 899.64, 54.2, 888.9, 909.8, -12.3, 912.4, 1011.1)


@pytest.fixture(params=["carracing", "doom"])
def experiment(request: pytest.FixtureRequest) -> Experiment:
    return find_experiment(request.param)


@pytest.fixture
def car() -> Experiment:
    return find_experiment("carracing")


def line_with(text: str, name: str) -> str:
    return next(line for line in text.splitlines() if name in line)


def cells(markdown: str, name: str) -> list[str]:
    return [cell.strip() for cell in line_with(markdown, name).strip("|").split("|")]


def test_text_has_the_papers_score(car: Experiment) -> None:
    row = line_with(results_text(car, [("agent", OURS)]), "full model")
    assert "906 ± 21" in row
    assert row.endswith("Ha & Schmidhuber 2018")


def test_markdown_has_the_papers_score(car: Experiment) -> None:
    row = cells(results_markdown(car, [("agent", OURS)]), "full model")
    assert row[1:3] == ["100", "906 ± 21"]
    assert row[-1] == "Ha & Schmidhuber 2018"


def test_our_row_has_every_number_of_the_summary(car: Experiment) -> None:
    expected = ["100", "899.6 ± 54.2", "888.9 to 909.8", "-12.3", "912.4", "1011.1"]
    assert cells(results_markdown(car, [("agent", OURS)]), "agent")[1:-1] == expected
    row = line_with(results_text(car, [("agent", OURS)]), "agent")
    assert [part.strip() for part in row.split("  ") if part.strip()] == ["agent", *expected]


def test_a_score_just_below_the_mark_is_not_rounded_up_to_it(car: Experiment) -> None:
    assert "899.6" in line_with(results_text(car, [("agent", OURS)]), "agent")


def test_one_episode_has_neither_spread_nor_interval(car: Experiment) -> None:
    row = cells(results_markdown(car, [("agent", summarise([42.0]))]), "agent")
    assert row[1:-1] == ["1", "42.0", "", "42.0", "42.0", "42.0"]


def test_small_returns_keep_three_decimals(car: Experiment) -> None:
    summary = Summary(5, 0.4321, 0.01, 0.42, 0.44, 0.4, 0.43, 0.5)
    assert "0.432 ± 0.010" in results_text(car, [("agent", summary)])


def test_every_published_score_and_the_mark_are_there(experiment: Experiment) -> None:
    means = {score.name: f"{score.mean:g}" for score in experiment.scores}
    means["solved from"] = f"{experiment.solved:g}"
    for name, mean in means.items():
        assert mean in line_with(results_text(experiment, []), f"{name}  ")
        assert mean in line_with(results_markdown(experiment, []), f"| {name} |")


def test_ours_come_first_in_the_order_given(experiment: Experiment) -> None:
    for table in (results_text, results_markdown):
        text = table(experiment, [("second agent", OURS), ("first agent", OURS)])
        places = [text.index(name) for name in ("second agent", "first agent", "World Models")]
        assert places == sorted(places)


def test_a_score_without_spread_has_no_sign(car: Experiment) -> None:
    assert "±" not in line_with(results_text(car, []), "random policy")


@pytest.mark.parametrize("name", ["agent", "an agent with quite a long name " * 5])
def test_text_fits_the_terminal(experiment: Experiment, name: str) -> None:
    long_source = dataclasses.replace(experiment.scores[0], source="a very long source " * 5)
    wordy = dataclasses.replace(experiment, scores=(*experiment.scores, long_source))
    assert max(map(len, results_text(wordy, [(name, OURS)]).splitlines())) <= WIDTH


def test_published_names_of_the_shipped_games_are_not_cut(experiment: Experiment) -> None:
    assert "…" not in results_text(experiment, [("agent", OURS)])


def test_columns_of_the_text_are_aligned(car: Experiment) -> None:
    lines = results_text(car, [("agent", OURS)]).splitlines()
    header = next(line for line in lines if "episodes" in line)
    end = header.index("mean ± sd") + len("mean ± sd")
    for name, mean in [("agent", "54.2"), ("full model", "21"), ("solved from", "900")]:
        row = next(line for line in lines if name in line)
        assert row[:end].endswith(mean)


def test_every_markdown_row_has_the_same_cells(experiment: Experiment) -> None:
    lines = results_markdown(experiment, [("agent", OURS)]).splitlines()
    assert len({line.count("|") for line in lines if line.startswith("|")}) == 1


def test_a_bar_in_a_name_does_not_end_its_markdown_cell(car: Experiment) -> None:
    assert "**z\\|h**" in results_markdown(car, [("z|h", OURS)])
