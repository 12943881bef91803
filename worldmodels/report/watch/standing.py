"""How far a run has come: what is at work in it, at what pace, and for how long still."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from worldmodels.errors import UsageError, WorldModelsError
from worldmodels.evolution.lineage import HISTORY
from worldmodels.metrics import clock
from worldmodels.report.progress import METRICS, OF_A_SEARCH, read_progress, scored_of
from worldmodels.rundir import DONE, SETTINGS, read_json

RECENT = 10  # generations whose pace is taken for that of those to come
SILENT_S = 120.0  # a stage that is at work notes its time every few seconds
OF_A_TRAINING = ("step", "loss", "validation_loss", "steps_per_s")


@dataclass(frozen=True)
class Standing:
    """What one stage has logged so far."""

    folder: Path  # of its artifact
    unit: str  # generation or step: the number that counts the rows
    rows: list[dict[str, Any]]  # at least one
    total: int | None  # units asked for, about; None if that cannot be told
    max_s: float  # a search ends after this time
    finished: bool
    world: str = ""  # where a search plays, if it is one
    scored: str = "mean"  # what its evaluations score
    silence_s: float = 0.0  # since the last sign of life

    @property
    def state(self) -> str:
        """Whether it goes on, in words."""
        if self.finished:
            return "finished"
        silent = self.silence_s > SILENT_S
        return f"silent for {clock(self.silence_s)}" if silent else "going on"

    @property
    def count(self) -> int:
        """Units that are done."""
        return int(self.rows[-1][self.unit])

    @property
    def left_s(self) -> float | None:
        """Seconds that are still to go at the present pace; None if that cannot be told."""
        if self.total is None:
            return None
        remaining = max(self.total - self.count, 0)
        last = self.rows[-1]
        if self.unit == "step":
            return remaining / last["steps_per_s"] if last["steps_per_s"] else None
        recent = self.rows[-1 - RECENT] if len(self.rows) > RECENT else None
        began_s, began = (recent["elapsed_s"], recent["generation"]) if recent else (0.0, 0)
        pace_s = (last["elapsed_s"] - began_s) / max(self.count - began, 1)
        return float(min(remaining * pace_s, max(self.max_s - last["elapsed_s"], 0.0)))


def read_standing(run: Path) -> Standing:
    """The latest stage of the pipeline that has logged something.

    Raises UsageError if `run` is no run, and WorldModelsError if there is nothing to see yet or a
    file is damaged.
    """
    if not (run / "config.toml").is_file():
        raise UsageError(f"{run} holds no run: it has no config.toml.")
    for artifact, log, unit, numbers in (
        ("ctrl", HISTORY, "generation", OF_A_SEARCH),
        ("rnn", METRICS, "step", OF_A_TRAINING),
        ("vae", METRICS, "step", OF_A_TRAINING),
    ):
        folder = run / artifact
        rows = read_progress(folder / log, numbers)
        if rows:
            path = folder / SETTINGS
            settings = read_json(path) if path.is_file() else {}
            return Standing(
                folder,
                unit,
                rows,
                _total(run, artifact, settings),
                float(settings.get("max_hours", float("inf"))) * 3600,
                _is_finished(folder, settings),
                settings.get("world", ""),
                scored_of(settings.get("average_generations", 0)),
                _silence_s(folder),
            )
    raise WorldModelsError(
        f"{run} has nothing to watch yet: the training of V is the first stage that logs its "
        f"progress."
    )


def _total(run: Path, artifact: str, settings: dict[str, Any]) -> int | None:
    """How many units a stage has been asked for."""
    if artifact == "ctrl":
        return settings.get("generations")
    if artifact == "rnn":
        return settings.get("num_steps")
    done = run / "episodes" / DONE
    if not done.is_file() or "epochs" not in settings:
        return None
    recorded = read_json(done)
    episodes, steps = recorded["episodes"], recorded["steps"]
    # As if all episodes were of one length.
    training = (steps + episodes) * (1 - settings["validation_episodes"] / episodes)
    return int(settings["epochs"] * (training // settings["batch_size"]))


def _silence_s(folder: Path) -> float:
    """Seconds since a file of the artifact was last written."""
    now = time.time()
    written = []
    for path in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):  # a temporary file that was just renamed
            written.append(path.stat().st_mtime)
    return max(now - max(written, default=now), 0.0)


def _is_finished(folder: Path, settings: dict[str, Any]) -> bool:
    """Whether the stage is done, and has not been started again to go on for longer."""
    path = folder / DONE
    return path.is_file() and read_json(path).get("settings", settings) == settings
