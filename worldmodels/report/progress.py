"""What training and search have written down about their progress so far."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from worldmodels.errors import WorldModelsError
from worldmodels.evolution.lineage import EARLIER, HISTORY, joined

METRICS = "metrics.jsonl"
OF_A_SEARCH = ("generation", "env_steps", "elapsed_s", "mean", "best", "sigma", "steps_per_s")


def read_progress(path: Path, numbers: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of a log, each with a number under every name in `numbers`; none without a file.

    A torn last line is left out: it is just being written. Raises WorldModelsError for damage.
    """
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")
    rows = []
    for place, line in enumerate(lines, start=1):
        try:
            row = json.loads(line)
        except ValueError:
            if place < len(lines):
                raise _damaged(path, place) from None
            break  # behind the last line's end there is nothing, or the start of a line
        if not isinstance(row, dict) or not all(_is_number(row.get(name)) for name in numbers):
            raise _damaged(path, place)
        rows.append(row)
    return rows


def scored_of(average_generations: int) -> str:
    """What the evaluations of a search score, by its setting `average_generations`."""
    return "average of the means" if average_generations else "mean"


def generation_text(row: dict[str, Any], scored: str) -> str:
    """What a generation of a search came to, in words."""
    text = (
        f"mean {row['mean']:.1f}, best {row['best']:.1f}, sigma {row['sigma']:.3f}, "
        f"{row['env_steps']:,} steps, {row['steps_per_s']:,.0f} steps/s"
    )
    if "evaluation" in row:
        text += f"; the {scored} scores {row['evaluation']:.1f}"
    return text


def _damaged(path: Path, line: int) -> WorldModelsError:
    return WorldModelsError(
        f"{path} is damaged in line {line}: restore it, or delete that line of the log."
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@dataclass(frozen=True)
class History:
    """A search of C, generation by generation, behind the searches that it began with."""

    generation: Float[np.ndarray, " G"]
    env_steps: Float[np.ndarray, " G"]
    hours: Float[np.ndarray, " G"]
    mean: Float[np.ndarray, " G"]  # return of the population
    best: Float[np.ndarray, " G"]
    evaluation: Float[np.ndarray, " G"]  # of the distribution's mean; nan between evaluations
    earlier: int = 0  # generations of the searches before this one

    @property
    def evaluated(self) -> np.ndarray:
        """The positions of the generations after which the mean was evaluated."""
        return np.flatnonzero(np.isfinite(self.evaluation))


def read_history(ctrl: Path) -> History | None:
    """The search in the folder `ctrl`; None before its first generation has ended.

    Raises WorldModelsError for damage.
    """
    own = read_progress(ctrl / HISTORY, OF_A_SEARCH)
    if not own:
        return None
    earlier = read_progress(ctrl / EARLIER, OF_A_SEARCH)
    rows = joined(earlier, own)

    def column(name: str) -> np.ndarray:
        return np.array([row.get(name, np.nan) for row in rows], np.float64)

    return History(
        generation=column("generation"),
        env_steps=column("env_steps"),
        hours=column("elapsed_s") / 3600,
        mean=column("mean"),
        best=column("best"),
        evaluation=column("evaluation"),
        earlier=int(earlier[-1]["generation"]) if earlier else 0,
    )
