"""What each stage has taken of time and memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from worldmodels.metrics import clock
from worldmodels.report.page.blocks import Markup, Table
from worldmodels.report.page.runs import Run
from worldmodels.rundir import DONE, read_json

SPENT = "spent.json"  # what the sessions of an unfinished stage have taken
HEADER = ("stage", "what it did", "time", "", "memory", "of a worker")

# For each artifact: the command, and what of its facts tells how much work it was.
STAGES = {
    "episodes": ("wm extract", ("episodes", "steps")),
    "vae": ("wm train-vae", ("step", "frames")),
    "series": ("wm encode", ("episodes", "frames")),
    "rnn": ("wm train-rnn", ("step", "transitions")),
    "ctrl": ("wm train-ctrl", ("generations", "env_steps")),
    "eval": ("wm eval", ("episodes",)),
    "eval-random": ("wm eval --random", ("episodes",)),
    "eval-dream": ("wm eval --dream", ("episodes",)),
    "render/seed-*": ("wm render", ("length",)),
}
UNITS = {"step": "steps of Adam", "env_steps": "steps", "length": "steps"}


@dataclass(frozen=True)
class Cost:
    """Time and memory of a stage."""

    stage: str
    work: str
    seconds: float
    finished: bool
    memory_mib: int | None  # the most that the command's process has held
    worker_mib: int | None  # the same of its largest worker


def costs(run: Run) -> list[Cost]:
    """The stages that were begun in this run's own folder.

    Raises WorldModelsError for a damaged file.
    """
    return [
        cost
        for artifact, (stage, keys) in STAGES.items()
        for folder in sorted(run.folder.glob(artifact))
        for cost in _cost(folder, stage, keys)
    ]


def _cost(folder: Path, stage: str, keys: tuple[str, ...]) -> Iterator[Cost]:
    finished = (folder / DONE).is_file()
    path = folder / (DONE if finished else SPENT)
    if not path.is_file():
        return
    facts = read_json(path)
    work = ", ".join(f"{facts[key]:,} {UNITS.get(key, key)}" for key in keys if key in facts)
    memory, worker = facts.get("peak_memory_mib"), facts.get("worker_peak_memory_mib")
    yield Cost(stage, work, float(facts.get("wall_s", 0)), finished, memory, worker or None)


def costs_table(costs: list[Cost]) -> Table:
    """A row for each stage, and their sum; time also as a bar."""
    total = sum(cost.seconds for cost in costs)
    longest = max((cost.seconds for cost in costs), default=0.0)
    rows: list[tuple[str, ...]] = [
        (
            cost.stage,
            cost.work if cost.finished else "not finished",
            clock(cost.seconds),
            _bar(cost.seconds / longest if longest else 0.0),
            _mib(cost.memory_mib),
            _mib(cost.worker_mib),
        )
        for cost in costs
    ]
    rows.append(("all", "", clock(total), "", "", ""))
    return Table(HEADER, rows, numeric=(2, 4, 5), strong=(len(rows) - 1,))


def _bar(share: float) -> Markup:
    return Markup(f'<span class="bar" style="width:{100 * share:.1f}%"></span>')


def _mib(value: Any) -> str:
    return "" if value is None else f"{value:,} MiB"
