"""A short training by the stage itself, timed by what it writes into metrics.jsonl."""

from __future__ import annotations

import itertools
import statistics
from typing import Any

from benchmarks.workplace import Workplace, run_stage
from worldmodels.config import Config
from worldmodels.metrics import read_jsonl


class ShortTrainings:
    """`wm train-vae` or `wm train-rnn`, from the start each time."""

    def __init__(self, place: Workplace, stage: Any, config: Config, per_step: int) -> None:
        """`per_step` is what a step of Adam learns from: frames, or transitions."""
        self._place, self._stage, self._config, self._per_step = place, stage, config, per_step
        self._numbers = itertools.count()

    def __call__(self) -> float:
        """Frames or transitions in a second.

        The time up to the first report is left out: files are read, memory is found.
        """
        run = f"{self._stage.SECTION}-{next(self._numbers)}"
        artifact = run_stage(self._stage, self._place.context(self._config, run))
        rates = [row["steps_per_s"] for row in read_jsonl(artifact.path / "metrics.jsonl")]
        return float(statistics.harmonic_mean(rates[1:]) * self._per_step)
