"""What a stage's sessions are accounted with."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from worldmodels.rundir import Artifact
from worldmodels.stages import execution


def test_time_is_noted_while_a_session_lasts_for_it_may_be_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "NOTED_EVERY_S", 0.01)
    artifact = Artifact(tmp_path, "vae", "train-vae")
    artifact.path.mkdir()
    file = artifact.path / execution.SPENT
    with execution._accounted(artifact) as (spent_s, went_on):
        assert not went_on
        while not file.exists():
            time.sleep(0.01)
        noted_s = json.loads(file.read_text())["wall_s"]
        assert 0 < noted_s <= spent_s()
    ended_s = json.loads(file.read_text())["wall_s"]
    assert ended_s > noted_s
    time.sleep(0.1)
    assert json.loads(file.read_text())["wall_s"] == ended_s, "noted after the session's end"
    with execution._accounted(artifact) as (spent_s, went_on):
        assert went_on
        assert spent_s() > ended_s
