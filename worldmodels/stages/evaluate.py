"""`wm eval`: score an agent, or the random policy, over many episodes."""

from __future__ import annotations

import csv
import dataclasses
import io
import itertools
import json
from typing import Any

import numpy as np

from worldmodels.errors import UsageError
from worldmodels.evolution.fitness import AgentJob, Dreaming, RandomJob, cut
from worldmodels.evolution.rollout import Limits
from worldmodels.experiment import OFFICIAL
from worldmodels.metrics import Progress, counted, read_jsonl, write_jsonl
from worldmodels.report.statistics import Summary, summarise
from worldmodels.report.tables import results_markdown, results_text
from worldmodels.rundir import Artifact, write_json, write_text
from worldmodels.settings import EvalSettings
from worldmodels.stages.agents import agent_job, agent_parts
from worldmodels.stages.context import Context
from worldmodels.stages.execution import fingerprint

SECTION = "eval"
REPLACES = True  # a new evaluation takes the place of the old one
RECHECKS = True  # to show the scores once more

PLAYED = "episodes.jsonl"


def needs(context: Context) -> tuple[str, ...]:
    """The agent, unless the random policy is scored."""
    return () if context.config.eval.random else agent_parts(context)


def makes(context: Context) -> str:
    """A folder for each kind of evaluation."""
    settings = context.config.eval
    return "eval-random" if settings.random else "eval-dream" if settings.dream else "eval"


def check(context: Context) -> None:
    """Load the player: an old report is not replaced for an agent that cannot play."""
    _check(context)
    _player(context)


def plan(context: Context) -> list[str]:
    """How many episodes, of what."""
    settings = context.config.eval
    _check(context)
    return [
        f"play {counted(settings.episodes, 'episode')} of {_title(context)} with "
        f"seeds {settings.seed} to {settings.seed + settings.episodes - 1}"
    ]


def run(context: Context, artifact: Artifact) -> dict[str, Any]:
    """Play the episodes that are missing; writes report.json, report.csv and report.md."""
    settings: EvalSettings = context.config.eval
    seeds = [settings.seed + i for i in range(settings.episodes)]
    played = {row["seed"]: row for row in read_jsonl(artifact.path / PLAYED)}
    write_jsonl(artifact.path / PLAYED, played.values())
    missing = [seed for seed in seeds if seed not in played]
    parameters, job = _player(context)
    workers_mib = 0
    with (
        (artifact.path / PLAYED).open("a") as file,
        Progress("eval", len(seeds), "episode", len(seeds) - len(missing)) as progress,
    ):
        if missing:
            with context.pool(networks_only=settings.dream) as pool:
                units = cut(parameters, [missing], Limits(), settings.slots)
                for outcome in itertools.chain.from_iterable(pool.map(job, units)):
                    row = {
                        "seed": outcome.seed,
                        "return": outcome.total,
                        "length": outcome.length,
                    }
                    played[outcome.seed] = row
                    file.write(json.dumps(row) + "\n")
                    file.flush()
                    mean = np.mean([r["return"] for r in played.values()])
                    progress.update(1, f"mean {mean:.1f}")
                workers_mib = pool.peak_memory_mib
    rows = [played[seed] for seed in seeds]
    summary = summarise([row["return"] for row in rows])
    _write(context, artifact, rows, summary)
    return {
        "episodes": len(rows),
        "mean": summary.mean,
        "std": summary.std,
        "worker_peak_memory_mib": workers_mib,
    }


def _check(context: Context) -> None:
    settings = context.config.eval
    if settings.random and settings.dream:
        raise UsageError("--random and --dream exclude each other: only an agent can dream.")
    if settings.dream and not context.experiment.done_head:
        raise UsageError(
            f"the dream of {context.experiment.name} has no score: its M predicts neither reward "
            f"nor end."
        )


def _player(context: Context) -> tuple[np.ndarray, AgentJob | RandomJob]:
    """Who plays: parameters of one candidate, and the job."""
    settings = context.config.eval
    if settings.random:
        explorer = context.experiment.random_explorer
        job = RandomJob(context.config.experiment, context.game, OFFICIAL, explorer, settings.slots)
        return np.zeros((1, 0)), job
    dreaming = Dreaming(settings.temperature) if settings.dream else None
    controller, agent = agent_job(context, OFFICIAL, settings.slots, dreaming)
    return controller.parameters[np.newaxis], agent


def _title(context: Context) -> str:
    settings = context.config.eval
    if settings.dream:
        return f"M's dream of {context.experiment.title} at temperature {settings.temperature:g}"
    rules = ", ".join(f"{key} {value}" for key, value in context.config.world.items())
    return f"the official {context.experiment.title} ({rules})"


def _write(
    context: Context, artifact: Artifact, rows: list[dict[str, Any]], summary: Summary
) -> None:
    settings = context.config.eval
    name = "random policy, measured here" if settings.random else "this agent"
    if settings.dream:
        name = f"this agent, dreaming at tau {settings.temperature:g}"
    write_json(
        artifact.path / "report.json",
        {
            "experiment": context.config.experiment,
            "played_in": _title(context),
            "policy": "random" if settings.random else "agent",
            "agent": None if settings.random else str(context.input("ctrl").path),
            "fingerprints": {part: fingerprint(context.input(part)) for part in needs(context)},
            **dataclasses.asdict(summary),
            "returns": [row["return"] for row in rows],
            "lengths": [row["length"] for row in rows],
            "seeds": [row["seed"] for row in rows],
        },
    )
    table = io.StringIO()
    writer = csv.DictWriter(table, ["seed", "return", "length"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(artifact.path / "report.csv", table.getvalue())
    write_text(artifact.path / "report.md", results_markdown(context.experiment, [(name, summary)]))
    last = settings.seed + settings.episodes - 1
    print(f"Played in {_title(context)}, seeds {settings.seed} to {last}.\n")
    print(results_text(context.experiment, [(name, summary)]), end="", flush=True)
