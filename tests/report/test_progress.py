"""Logs as a report and a watcher read them: while they grow, and when they are damaged."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from worldmodels.errors import WorldModelsError
from worldmodels.report.progress import read_history, read_progress

ROWS = [{"step": 1, "loss": 2.0}, {"step": 2, "loss": 1}]


def write(path: Path, *lines: str) -> Path:
    path.write_text("".join(lines))
    return path


def as_lines(rows: list[dict]) -> list[str]:
    return [json.dumps(row) + "\n" for row in rows]


def test_rows_are_read_as_they_were_written(tmp_path: Path) -> None:
    assert read_progress(write(tmp_path / "m.jsonl", *as_lines(ROWS)), ["step", "loss"]) == ROWS


def test_there_are_no_rows_without_a_file(tmp_path: Path) -> None:
    assert read_progress(tmp_path / "m.jsonl", ["step"]) == []


@pytest.mark.parametrize("torn", ['{"step": 3, "lo', "{", '{"step": 3', ""])
def test_a_last_line_that_is_being_written_is_left_out(tmp_path: Path, torn: str) -> None:
    path = write(tmp_path / "m.jsonl", *as_lines(ROWS), torn)
    assert read_progress(path, ["step", "loss"]) == ROWS


@pytest.mark.parametrize(
    "bad", ['{"step": 3, "lo\n', "[]\n", "7\n", '{"step": 3}\n', '{"step": 3, "loss": "low"}\n']
)
def test_a_damaged_line_is_named(tmp_path: Path, bad: str) -> None:
    path = write(tmp_path / "m.jsonl", *as_lines(ROWS), bad, *as_lines(ROWS))
    with pytest.raises(WorldModelsError, match=r"m\.jsonl is damaged in line 3: .*\.$"):
        read_progress(path, ["step", "loss"])


def test_bytes_that_are_no_text_are_damage(tmp_path: Path) -> None:
    (tmp_path / "m.jsonl").write_bytes(b'{"step": 1}\n\xff\xfe\x00\n')
    with pytest.raises(WorldModelsError, match="line 2"):
        read_progress(tmp_path / "m.jsonl", ["step"])


def test_a_search_has_an_evaluation_only_where_there_was_one(tmp_path: Path) -> None:
    numbers = {"env_steps": 10, "elapsed_s": 7200, "mean": 1.0, "best": 2.0}
    rows = [{"generation": g, **numbers, "sigma": 0.1, "steps_per_s": 5} for g in (1, 2, 3)]
    rows[1]["evaluation"] = 4.0
    write(tmp_path / "history.jsonl", *as_lines(rows))
    history = read_history(tmp_path)
    assert history is not None
    assert history.evaluated.tolist() == [1]
    assert history.evaluation[1] == 4.0
    np.testing.assert_array_equal(history.hours, [2, 2, 2])


def test_a_search_that_has_not_begun_has_no_history(tmp_path: Path) -> None:
    assert read_history(tmp_path) is None
