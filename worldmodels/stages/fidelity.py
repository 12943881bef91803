"""`wm fidelity`: measure how true another world of a game is to the official one."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np

from worldmodels.config import nearest
from worldmodels.data.drives import Drive, drive_path, load_drive, save_drive
from worldmodels.data.weights import CONTROLLER
from worldmodels.errors import UsageError
from worldmodels.evolution.driving import DriveJob
from worldmodels.evolution.fitness import cut
from worldmodels.evolution.pool import Pool
from worldmodels.evolution.rollout import Limits
from worldmodels.experiment import OFFICIAL
from worldmodels.metrics import Progress, counted, read_jsonl, write_jsonl
from worldmodels.report.agreement import compare
from worldmodels.report.fidelity import comparison_table, pairs_table, save_comparison
from worldmodels.report.statistics import summarise_pairs
from worldmodels.rundir import Artifact, write_json, write_text
from worldmodels.stages.agents import agent_job, agent_parts
from worldmodels.stages.context import Context
from worldmodels.stages.execution import fingerprint

SECTION = "fidelity"
REPLACES = True  # a new comparison takes the place of the old one
RECHECKS = True  # to show the numbers once more

PLAYED = "episodes.jsonl"
PICTURE = "frames.png"
Row = dict[str, Any]  # an episode of the agent: world, seed, return, length


def needs(context: Context) -> tuple[str, ...]:
    """The agent, if there is one: the worlds can be compared without."""
    return agent_parts(context) if _has_agent(context) else ()


def makes(context: Context) -> str:
    """The folder of the comparison."""
    return "fidelity"


def check(context: Context) -> None:
    """Load the agent: an old report is not replaced for one that cannot play."""
    _check(context)
    if _has_agent(context):
        agent_job(context, OFFICIAL, context.config.fidelity.slots, None)


def plan(context: Context) -> list[str]:
    """How many episodes, and whether an agent plays them as well."""
    _check(context)
    agent = f"let the agent of {context.input('ctrl').path.parent} play them in each"
    return [
        f"play {_episodes(context)}",
        agent if _has_agent(context) else _left_out(context),
    ]


def run(context: Context, artifact: Artifact) -> dict[str, Any]:
    """Play what is missing; writes report.json, report.md and a picture of frames."""
    context.compile_world(context.config.fidelity.world)
    with context.pool() as pool:
        drives = _drive(context, artifact, pool)
        played = _play(context, artifact, pool) if _has_agent(context) else {}
        workers_mib = pool.peak_memory_mib
    _write(context, artifact, drives, played)
    return {"episodes": len(drives), "worker_peak_memory_mib": workers_mib}


def _has_agent(context: Context) -> bool:
    """Whether an agent was asked for, or lies in the run."""
    return context.agent is not None or (context.input("ctrl").path / CONTROLLER).is_file()


def _check(context: Context) -> None:
    settings, experiment = context.config.fidelity, context.experiment
    others = [name for name in experiment.worlds if name != OFFICIAL]
    if not others:
        raise UsageError(
            f"{experiment.title} has no second world to hold beside the official one: there is "
            f"nothing to measure."
        )
    if settings.world not in others:
        raise UsageError(
            f"{experiment.name} has no world {settings.world!r} to hold beside the official one"
            f"{nearest(settings.world, others)} It has: {', '.join(others)}."
        )
    experiment.find_explorer(settings.explorer)


def _episodes(context: Context) -> str:
    settings = context.config.fidelity
    last = settings.seed + settings.episodes - 1
    cut = f", cut after {settings.max_steps} steps" if settings.max_steps else ""
    return (
        f"{counted(settings.episodes, 'episode')} of {context.experiment.title} in the {OFFICIAL} "
        f"and the {settings.world} world, the same actions in both (explorer {settings.explorer}), "
        f"seeds {settings.seed} to {last}{cut}"
    )


def _left_out(context: Context) -> str:
    return (
        f"No closed loop: {context.run} holds no agent. Train one with `wm train-ctrl`, or name "
        f"one with --agent."
    )


def _seeds(context: Context) -> list[int]:
    settings = context.config.fidelity
    return [settings.seed + i for i in range(settings.episodes)]


def _drive(context: Context, artifact: Artifact, pool: Pool) -> list[Drive]:
    """The open loop: a drive for every seed, those of an earlier session included."""
    settings, seeds = context.config.fidelity, _seeds(context)
    drives = {seed: load_drive(drive_path(artifact.path, seed)) for seed in seeds}
    missing = [seed for seed, drive in drives.items() if drive is None]
    job = DriveJob(
        context.config.experiment,
        context.game,
        settings.world,
        settings.explorer,
        settings.max_steps,
    )
    with Progress("drive", len(seeds), "episode", len(seeds) - len(missing)) as progress:
        for drive in pool.map(job, missing):
            save_drive(drive_path(artifact.path, drive.seed), drive)
            drives[drive.seed] = drive
            progress.update(1, f"{drive.pixel_error.mean():.2f} grey levels apart")
    return [drive for drive in drives.values() if drive is not None]


def _play(context: Context, artifact: Artifact, pool: Pool) -> dict[str, list[Row]]:
    """The closed loop: the agent's episodes in either world, in the order of the seeds."""
    settings, seeds = context.config.fidelity, _seeds(context)
    path = artifact.path / PLAYED
    rows = {(row["world"], row["seed"]): row for row in read_jsonl(path)}
    write_jsonl(path, rows.values())
    controller, official = agent_job(context, OFFICIAL, settings.slots, None)
    limits = Limits(max_steps=settings.max_steps)
    worlds = (OFFICIAL, settings.world)
    todo = {world: [seed for seed in seeds if (world, seed) not in rows] for world in worlds}
    total = len(worlds) * len(seeds)
    done = total - sum(map(len, todo.values()))
    with path.open("a") as file, Progress("agent", total, "episode", done) as progress:
        for world, missing in todo.items():
            job = dataclasses.replace(official, world=world)
            units = cut(controller.parameters[np.newaxis], [missing], limits, settings.slots)
            for outcomes in pool.map(job, units):
                for outcome in outcomes:
                    row = {
                        "world": world,
                        "seed": outcome.seed,
                        "return": outcome.total,
                        "length": outcome.length,
                    }
                    rows[world, outcome.seed] = row
                    file.write(json.dumps(row) + "\n")
                file.flush()
                progress.update(len(outcomes), f"{world} world")
    return {world: [rows[world, seed] for seed in seeds] for world in worlds}


def _write(
    context: Context, artifact: Artifact, drives: list[Drive], played: dict[str, list[Row]]
) -> None:
    settings, frames_per_s = context.config.fidelity, context.experiment.frames_per_s
    found = compare(drives, frames_per_s)
    tables = [comparison_table(f"Played {_episodes(context)}.", found)]
    closed: dict[str, Any] | None = None
    if played:
        pairs = summarise_pairs(*([row["return"] for row in rows] for rows in played.values()))
        agent = context.input("ctrl").path.parent
        cut = f" for {settings.max_steps} steps" if settings.max_steps else ""
        caption = f"Return of the agent of {agent}, which played the same seeds in each world{cut}."
        tables.append(pairs_table(caption, settings.world, pairs))
        closed = {
            "agent": str(agent),
            "fingerprints": {part: fingerprint(context.input(part)) for part in needs(context)},
            **dataclasses.asdict(pairs),
            "episodes": played,
        }
    write_json(
        artifact.path / "report.json",
        {
            "experiment": context.config.experiment,
            "rules": context.config.world,
            "worlds": [OFFICIAL, settings.world],
            "max_steps": settings.max_steps,
            "open_loop": {
                "explorer": settings.explorer,
                **dataclasses.asdict(found),
                "episodes": [
                    {"seed": drive.seed, **dataclasses.asdict(compare([drive], frames_per_s))}
                    for drive in drives
                ],
            },
            "closed_loop": closed,
        },
    )
    picture = artifact.path / PICTURE
    save_comparison(picture, drives, settings.world)
    notes = [] if played else [f"{_left_out(context)}\n"]
    markdown = [*(table.markdown() for table in tables), *notes, f"![frames]({PICTURE})\n"]
    write_text(artifact.path / "report.md", "\n".join(markdown))
    print("\n".join([*(table.text() for table in tables), *notes, str(picture)]), flush=True)
