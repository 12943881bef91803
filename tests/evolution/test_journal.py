"""What a killed generation had played is kept, and only that."""

from __future__ import annotations

from pathlib import Path

from worldmodels.evolution.journal import Journal
from worldmodels.evolution.rollout import Outcome

ONE = Outcome(seed=1, candidate=0, total=2.5, length=3, terminated=True, truncated=False)
TWO = Outcome(seed=2, candidate=1, total=-1.0, length=9, terminated=False, truncated=True)


def test_units_come_back_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "playing.jsonl"
    with Journal(path, 4) as journal:
        journal.write(4, "training", 7, 1.5, [ONE, TWO])
        journal.write(4, "evaluation", 0, 2.5, [TWO])
    with Journal(path, 4) as again:
        assert again.units("training") == {7: [ONE, TWO]}
        assert again.units("evaluation") == {0: [TWO]}
        assert again.elapsed_s == 2.5


def test_units_of_another_generation_are_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "playing.jsonl"
    with Journal(path, 4) as journal:
        journal.write(4, "training", 0, 1.5, [ONE])
    with Journal(path, 5) as again:
        assert again.units("training") == {}
        assert again.elapsed_s == 0
    assert path.read_text() == ""


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "playing.jsonl"
    with Journal(path, 0) as journal:
        journal.write(0, "training", 0, 1.5, [ONE])
    path.write_text(path.read_text() + '{"generation": 0, "pha')
    with Journal(path, 0) as again:
        assert again.units("training") == {0: [ONE]}
        again.write(0, "training", 1, 2.0, [TWO])
    with Journal(path, 0) as third:
        assert third.units("training") == {0: [ONE], 1: [TWO]}


def test_a_cleared_journal_is_empty_and_can_be_written_on(tmp_path: Path) -> None:
    path = tmp_path / "playing.jsonl"
    with Journal(path, 0) as journal:
        journal.write(0, "training", 0, 1.5, [ONE])
        journal.clear()
        journal.write(1, "training", 3, 0.5, [TWO])
        assert journal.units("training") == {}
    with Journal(path, 1) as again:
        assert again.units("training") == {3: [TWO]}
