"""The finished units of work of a generation that is not finished yet.

A generation of a long search takes up to an hour: what its workers have done must not be lost with
the process. Outcomes depend on nothing but the search's state before the generation, so those of
an interrupted one are taken over as they are.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import IO

from worldmodels.evolution.rollout import Outcome
from worldmodels.metrics import read_jsonl, write_jsonl


class Journal:
    """A file with a line for each finished unit."""

    def __init__(self, path: Path, generation: int) -> None:
        """Keep only the lines of `generation`, the one that the search goes on with."""
        self._path = path
        self._rows = [row for row in read_jsonl(path) if row["generation"] == generation]
        write_jsonl(path, self._rows)
        self._file: IO[str] = path.open("a")

    @property
    def elapsed_s(self) -> float:
        """Seconds that earlier sessions put into the units of the journal."""
        return float(self._rows[-1]["elapsed_s"]) if self._rows else 0.0

    def units(self, phase: str) -> dict[int, list[Outcome]]:
        """The outcomes of the finished units of a phase, by number."""
        return {
            row["unit"]: [Outcome(**outcome) for outcome in row["outcomes"]]
            for row in self._rows
            if row["phase"] == phase
        }

    def write(
        self, generation: int, phase: str, unit: int, elapsed_s: float, outcomes: list[Outcome]
    ) -> None:
        """Append a finished unit; it survives this process when this returns."""
        row = {
            "generation": generation,
            "phase": phase,
            "unit": unit,
            "elapsed_s": elapsed_s,
            "outcomes": [dataclasses.asdict(outcome) for outcome in outcomes],
        }
        self._file.write(json.dumps(row) + "\n")
        self._file.flush()

    def clear(self) -> None:
        """Forget everything: the generation is finished and saved."""
        self._rows = []
        self._file.truncate(0)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
