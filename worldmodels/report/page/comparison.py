"""The page that compares several runs of a game."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from typing import Any

from worldmodels.errors import UsageError
from worldmodels.evolution.fitness import DREAM
from worldmodels.metrics import clock
from worldmodels.report.page.blocks import Block, Illustration, Paragraph, Section, Table, missing
from worldmodels.report.page.costs import costs
from worldmodels.report.page.document import Page
from worldmodels.report.page.learning import Search, learning_curves
from worldmodels.report.page.results import results_table
from worldmodels.report.page.returns import returns_side_by_side
from worldmodels.report.page.runs import Run
from worldmodels.report.page.training import rnn_curves, vae_curves
from worldmodels.report.progress import read_history

RUNS_HEADER = ("run", "config", "steps of the search", "hours", "best evaluation", "all stages")


def comparison_page(runs: Sequence[Run]) -> Page:
    """Several runs of one game side by side.

    Raises UsageError for runs of different games, and WorldModelsError for a damaged file.
    """
    games = sorted({run.config.experiment for run in runs})
    if len(games) > 1:
        raise UsageError(f"these are runs of {' and '.join(games)}: compare runs of one game.")
    names = _labels(runs)
    experiment = runs[0].experiment
    sections = [
        Section("Scores", list(_scores(runs, names))),
        Section("C: the search", list(_searches(runs, names))),
        Section("V and M", list(_training(runs, names))),
        Section("Settings that differ", list(_differences(runs, names))),
    ]
    return Page(
        title=f"{len(runs)} runs compared",
        kicker=f"World Models · {experiment.title}",
        lead=f"{', '.join(names[:-1])} and {names[-1]}.",
        tiles=[],
        sections=sections,
    )


def _labels(runs: Sequence[Run]) -> list[str]:
    """Names that tell the runs apart."""
    names = [run.name for run in runs]
    return names if len(set(names)) == len(names) else [str(run.folder) for run in runs]


def _scores(runs: Sequence[Run], names: Sequence[str]) -> Iterator[Block]:
    evaluations = [run.evaluation("eval") for run in runs]
    found = [(name, e) for name, e in zip(names, evaluations, strict=True) if e is not None]
    experiment = runs[0].experiment
    yield results_table(experiment, [(name, e.summary) for name, e in found])
    for run, evaluation in zip(runs, evaluations, strict=True):
        if evaluation is None:
            yield missing(f"No score of {run.name}", run.command("eval"))
    if found:
        chart = returns_side_by_side([(name, e.returns) for name, e in found], experiment.solved)
        yield Illustration(
            [chart],
            "Returns of all episodes of the evaluations, a dot each; mean (solid) and median "
            "(dotted).",
        )


def _searches(runs: Sequence[Run], names: Sequence[str]) -> Iterator[Block]:
    rows, searches = [], []
    for run, name in zip(runs, names, strict=True):
        history = read_history(run.path("ctrl"))
        seconds = sum(cost.seconds for cost in costs(run))
        cells = ("", "", "")
        if history is None:
            yield missing(f"No search of C in {name}", run.command("train-ctrl"))
        else:
            searches.append(Search(name, history))
            at = history.evaluated
            best = f"{history.evaluation[at].max():.1f}" if len(at) else ""
            cells = (f"{history.env_steps[-1]:,.0f}", f"{history.hours[-1]:.2f}", best)
        rows.append((name, run.config_name, *cells, clock(seconds)))
    yield Table(RUNS_HEADER, rows, numeric=(2, 3, 4, 5))
    if searches:
        experiment = runs[0].experiment
        dreaming = any(run.config.train_ctrl.world == DREAM for run in runs)
        charts = learning_curves(searches, experiment, None if dreaming else experiment.solved)
        caption = "Return of C while it is searched: evaluations of the mean of the distribution "
        caption += "(dots) and the population's mean (thin)."
        if experiment.learning_curve is not None:
            curve = experiment.learning_curve
            caption += f" Open circles: {curve.name}, evaluations of its mean ({curve.source})."
        yield Illustration(charts, caption)


def _training(runs: Sequence[Run], names: Sequence[str]) -> Iterator[Block]:
    vae = vae_curves([(name, run.path("vae")) for run, name in zip(runs, names, strict=True)])
    rnn = rnn_curves(
        [(name, run.path("rnn")) for run, name in zip(runs, names, strict=True)],
        runs[0].experiment.done_head,
    )
    if vae:
        yield Illustration(vae, "V on held-out episodes.")
    if rnn:
        yield Illustration(rnn, "M on held-out episodes.")
    if not vae and not rnn:
        yield Paragraph("None of the runs has trained V or M of its own.", "missing")


def _differences(runs: Sequence[Run], names: Sequence[str]) -> Iterator[Block]:
    """The settings that are not the same everywhere, a row each."""
    flat = [_flat(dataclasses.asdict(run.config)) for run in runs]
    keys = [key for key in flat[0] if len({settings.get(key) for settings in flat}) > 1]
    if not keys:
        yield Paragraph("None.")
        return
    rows = [(key, *(settings.get(key, "") for settings in flat)) for key in keys]
    yield Table(("setting", *names), rows, numeric=range(1, len(names) + 1))


def _flat(table: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested settings under dotted names, values as text."""
    result: dict[str, str] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            result |= _flat(value, f"{prefix}{key}.")
        else:
            result[prefix + key] = json.dumps(value)
    return result
