"""Time and memory of the stages, and how a run is repeated."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from worldmodels.config import dump_config, find_config, load_config
from worldmodels.errors import WorldModelsError
from worldmodels.report.page.costs import costs, costs_table
from worldmodels.report.page.repetition import repetition
from worldmodels.report.page.runs import Run, open_run

CONFIG = load_config(find_config("carracing-smoke"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A run of carracing-smoke with recorded episodes and an unfinished V."""
    run = tmp_path / "my run"
    done = {"episodes": 1024, "steps": 6000, "wall_s": 60.0, "peak_memory_mib": 228}
    write(run / "episodes" / "done", {**done, "worker_peak_memory_mib": 90})
    write(run / "vae" / "spent.json", {"wall_s": 30.0})
    write(run / "environment.json", {"command": ["/x/wm", "run", "carracing-smoke"]})
    (run / "config.toml").write_text(dump_config(CONFIG))
    return run


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def said(run: Run) -> str:
    return "\n".join(block.html() for block in repetition(run))


def test_a_stage_is_accounted_for_by_what_it_has_noted(folder: Path) -> None:
    cost = costs(open_run(folder))[0]
    assert (cost.work, cost.seconds) == ("1,024 episodes, 6,000 steps", 60)
    assert (cost.memory_mib, cost.worker_mib) == (228, 90)


def test_the_time_of_an_unfinished_stage_counts(folder: Path) -> None:
    found = costs(open_run(folder))
    assert [cost.finished for cost in found] == [True, False]
    assert "1m30s" in costs_table(found).html()


def test_a_damaged_account_is_named(folder: Path) -> None:
    (folder / "episodes" / "done").write_text("{")
    with pytest.raises(WorldModelsError, match="done is damaged"):
        costs(open_run(folder))


def test_a_shipped_config_is_repeated_by_its_name(folder: Path) -> None:
    assert "wm run carracing-smoke --run &#x27;runs/my run-again&#x27;" in said(open_run(folder))


def test_settings_from_the_command_line_are_repeated_too(folder: Path) -> None:
    changed = dataclasses.replace(CONFIG, seed=5)
    (folder / "config.toml").write_text(dump_config(changed))
    text = said(open_run(folder))
    assert "my run.toml" in text
    assert "wm run carracing-smoke --run" not in text
    assert "seed = 5" in text
