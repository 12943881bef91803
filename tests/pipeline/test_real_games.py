"""A short pass through every stage of each real game."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from worldmodels.cli import main

SHORT = """
[train_vae]
epochs = 1
batch_size = 16
validation_episodes = 1
report_every = 5

[train_rnn]
hidden = 32
num_steps = 3
batch_size = 2
sequence_length = 20
validation_episodes = 1

[train_ctrl]
generations = 1
population = 4
episodes = 1
evaluate_episodes = 2
max_steps = 0
slots = 4
unit_episodes = 4

[eval]
episodes = 2
slots = 4

[render]
max_steps = 10
panel_px = 96
"""

GAMES = {
    "carracing": "[world]\nmax_episode_steps = 40\n[extract]\nepisodes = 3\n",
    "doom": "[world]\nmax_episode_steps = 60\n[extract]\nepisodes = 3\nmin_steps = 30\n",
}


@pytest.mark.parametrize(
    ("game", "world"), [("carracing", ""), ("carracing", "fast"), ("doom", "")]
)
def test_every_stage_really_runs_in(game: str, world: str, tmp_path: Path) -> None:
    config = tmp_path / f"{game}-short.toml"
    text = f'extends = "{game}-smoke.toml"\n{GAMES[game]}{SHORT}'
    if world:
        for table in ("[extract]\n", "[train_ctrl]\n"):
            text = text.replace(table, f'{table}world = "{world}"\n')
    config.write_text(text)
    run = tmp_path / "run"
    assert main(["run", str(config), "--run", str(run), "--workers", "1"]) == 0
    report = json.loads((run / "eval" / "report.json").read_text())
    assert len(report["returns"]) == 2
    assert all(np.isfinite(report["returns"]))
    with np.load(run / "episodes" / "000000.npz") as archive:
        frames = archive["frame"]
    assert frames.dtype == np.uint8
    assert frames[-1].std() > 5  # a picture, not a blank
    assert list((run / "render").glob("*/*.mp4"))


@pytest.mark.skipif(sys.platform != "linux", reason="engines are looked for in /proc")
def test_a_killed_engine_is_told_as_one_sentence_and_nothing_is_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["eval", "doom", "--random", "--workers", "1", "--run", str(tmp_path / "run")]
    arguments += ["--episodes", "60", "--seed", "3"]
    played = tmp_path / "run" / "eval-random" / "episodes.jsonl"

    def kill() -> None:
        while not (played.exists() and played.stat().st_size):
            time.sleep(0.01)
        os.kill(next(engines_of(os.getpid())), signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    assert main(arguments) == 1
    killer.join()
    said = capsys.readouterr().err
    assert "the ViZDoom engine" in said
    assert "repeat the command to go on" in said
    assert "Traceback" not in said
    assert main(arguments) == 0
    report = tmp_path / "run" / "eval-random" / "report.csv"
    interrupted = report.read_text()
    arguments[arguments.index("--run") + 1] = str(tmp_path / "other")
    assert main(arguments) == 0
    assert (tmp_path / "other" / "eval-random" / "report.csv").read_text() == interrupted


def engines_of(owner: int) -> Iterator[int]:
    """The process ids of the ViZDoom engines that a process has started."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = status.read_text().partition("(")[2].rpartition(")")
        except OSError:  # it has just ended
            continue
        if name == "vizdoom" and int(rest.split()[1]) == owner:
            yield int(status.parent.name)
