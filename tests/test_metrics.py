"""Metrics: one line a row, resumed without doubles, and progress that a person can read."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest

from worldmodels import metrics
from worldmodels.metrics import MetricsLog, Progress, clock, counted, read_jsonl


def write_rows(path: Path, steps: range, resume_at: int = 0) -> None:
    with MetricsLog(path, "step", resume_at) as log:
        for step in steps:
            log.write({"step": step, "loss": step / 2})


def test_rows_are_read_as_they_were_written(tmp_path: Path) -> None:
    write_rows(tmp_path / "metrics.jsonl", range(1, 4))
    assert read_jsonl(tmp_path / "metrics.jsonl") == [
        {"step": 1, "loss": 0.5},
        {"step": 2, "loss": 1.0},
        {"step": 3, "loss": 1.5},
    ]


def test_a_row_is_on_disk_at_once(tmp_path: Path) -> None:
    with MetricsLog(tmp_path / "metrics.jsonl", "step", 0) as log:
        log.write({"step": 1})
        assert read_jsonl(tmp_path / "metrics.jsonl") == [{"step": 1}]


def test_a_file_that_is_not_there_has_no_rows(tmp_path: Path) -> None:
    assert read_jsonl(tmp_path / "metrics.jsonl") == []


def test_rows_after_the_checkpoint_are_dropped_on_resume(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    write_rows(path, range(1, 8))
    write_rows(path, range(5, 7), resume_at=4)
    assert [row["step"] for row in read_jsonl(path)] == [1, 2, 3, 4, 5, 6]


def test_an_interrupted_log_ends_as_an_uninterrupted_one_byte_for_byte(tmp_path: Path) -> None:
    write_rows(tmp_path / "whole", range(1, 8))
    write_rows(tmp_path / "parts", range(1, 6))
    write_rows(tmp_path / "parts", range(4, 8), resume_at=3)
    assert (tmp_path / "parts").read_bytes() == (tmp_path / "whole").read_bytes()


@pytest.mark.parametrize("torn", ['{"step": 3, "lo', "{", '{"step": 3'])
def test_a_torn_last_line_is_left_out(tmp_path: Path, torn: str) -> None:
    path = tmp_path / "metrics.jsonl"
    write_rows(path, range(1, 3))
    with path.open("a") as file:
        file.write(torn)
    assert [row["step"] for row in read_jsonl(path)] == [1, 2]


def test_a_log_with_a_torn_last_line_can_be_continued(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    write_rows(path, range(1, 3))
    with path.open("a") as file:
        file.write('{"step": 3, "lo')
    write_rows(path, range(3, 5), resume_at=2)
    assert [row["step"] for row in read_jsonl(path)] == [1, 2, 3, 4]


def test_a_loss_that_is_not_a_number_can_be_logged(tmp_path: Path) -> None:
    with MetricsLog(tmp_path / "metrics.jsonl", "step", 0) as log:
        log.write({"step": 1, "loss": math.nan})
    assert math.isnan(read_jsonl(tmp_path / "metrics.jsonl")[0]["loss"])


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0s"),
        (42.4, "42s"),
        (59.6, "1m00s"),
        (185, "3m05s"),
        (3599.7, "1h00m"),
        (7620, "2h07m"),
        (86_399, "23h59m"),
        (3 * 86_400 + 4 * 3600, "3d04h"),
    ],
)
def test_a_duration_is_said_as_people_say_it(seconds: float, said: str) -> None:
    assert clock(seconds) == said


@pytest.mark.parametrize(
    ("number", "said"), [(1, "1 episode"), (0, "0 episodes"), (1024, "1,024 episodes")]
)
def test_things_are_counted_as_people_do(number: int, said: str) -> None:
    assert counted(number, "episode") == said


def test_off_a_terminal_progress_is_a_line_with_count_speed_and_time_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 0.0
    monkeypatch.setattr(metrics.time, "monotonic", lambda: now_s)
    with Progress("vae", 5000, "step", start=1000) as progress:
        now_s = 20.0
        progress.update(2000, note="loss 1.5")
    assert capsys.readouterr().err == "vae: 3,000 of 5,000 steps, 100.0/s, 20s left, loss 1.5\n"


@pytest.mark.parametrize("terminal", [False, True])
def test_work_that_ends_after_a_time_has_no_more_than_that_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    now_s = 0.0
    monkeypatch.setattr(metrics.time, "monotonic", lambda: now_s)
    monkeypatch.setattr("tqdm.std.time", lambda: now_s)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    with Progress("ctrl", 5000, "step", most_s=25.0) as progress:
        now_s = 20.0
        progress.update(1000)
    said = capsys.readouterr().err
    assert ("<00:05" if terminal else ", 5s left") in said


def test_off_a_terminal_lines_come_every_ten_seconds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 0.0
    monkeypatch.setattr(metrics.time, "monotonic", lambda: now_s)
    with Progress("vae", 5000, "step") as progress:
        for _ in range(100):
            now_s += 0.5
            progress.update()
    assert len(capsys.readouterr().err.splitlines()) == 5


def test_progress_without_any_yet_does_not_guess_the_time_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 0.0
    monkeypatch.setattr(metrics.time, "monotonic", lambda: now_s)
    with Progress("vae", 5000, "step") as progress:
        now_s = 20.0
        progress.update(0)
    assert "unknown time left" in capsys.readouterr().err
