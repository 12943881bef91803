"""The page of one run."""

from __future__ import annotations

from datetime import datetime

from worldmodels.metrics import clock
from worldmodels.report.page import chapters
from worldmodels.report.page.blocks import Section
from worldmodels.report.page.costs import costs, costs_table
from worldmodels.report.page.document import Page, Tile
from worldmodels.report.page.repetition import repetition
from worldmodels.report.page.runs import ARTIFACTS, Run
from worldmodels.report.progress import History, read_history


def run_page(run: Run) -> Page:
    """Everything that a run has to show. Raises WorldModelsError for a damaged file."""
    spent = costs(run)
    sections = [
        Section("Scores", list(chapters.scores(run))),
        Section("An episode", list(chapters.film(run))),
        Section("C: the search", list(chapters.search(run))),
        Section("V: what is seen", list(chapters.vision(run))),
        Section("M: what comes next", list(chapters.memory(run))),
        Section("Time and memory", [costs_table(spent)]),
        Section("To repeat it", list(repetition(run))),
    ]
    seconds = sum(cost.seconds for cost in spent)
    return Page(
        title=run.name,
        kicker=f"World Models · {run.experiment.title}",
        lead=_lead(run),
        tiles=[
            *_tiles(run, read_history(run.path("ctrl"))),
            Tile("all stages", clock(seconds), "of this run and its inputs"),
        ],
        sections=sections,
    )


def _lead(run: Run) -> str:
    """Which config, on what machine, and when."""
    text = f"Config {run.config_name}, seed {run.config.seed}"
    if "machine" in run.environment:
        text += f", on {run.environment['machine']}"
    dates = [str(run.facts(a)["finished"]) for a in ARTIFACTS if "finished" in run.facts(a)]
    if dates:
        last = datetime.fromisoformat(max(dates))
        goes_on = run.path("ctrl").exists() and not run.has("ctrl")
        said = "its search goes on; the latest stage finished" if goes_on else "finished"
        text += f"; {said} on {last.day} {last:%B %Y}"
    return f"{text}."


def _tiles(run: Run, history: History | None) -> list[Tile]:
    """The numbers that matter most."""
    tiles = []
    played = run.evaluation("eval")
    if played is not None:
        s = played.summary
        said = f"95 % interval {s.low:.1f} to {s.high:.1f}, {s.episodes:,} episodes"
        tiles.append(Tile("mean return", f"{s.mean:.1f}", said))
    if run.experiment.scores:
        best = run.experiment.scores[0]
        spread = "" if best.spread is None else f" ± {best.spread:g}"
        tiles.append(
            Tile("to compare with", f"{best.mean:g}{spread}", f"{best.name}, {best.source}")
        )
    if history is not None:
        said = f"{history.generation[-1]:,.0f} generations in {clock(3600 * history.hours[-1])}"
        if history.earlier:
            said += ", with the searches that it goes on from"
        tiles.append(Tile("steps of the search", f"{history.env_steps[-1]:,.0f}", said))
    return tiles
