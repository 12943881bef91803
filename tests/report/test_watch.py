"""`wm watch`: what it makes of logs that grow, are torn, or are cut back."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from worldmodels.cli import main
from worldmodels.report.watch import command
from worldmodels.report.watch.panel import panel
from worldmodels.report.watch.standing import read_standing


def generation(number: int, **more: Any) -> dict[str, Any]:
    """A line of a search that takes 10 s a generation."""
    return {
        "generation": number,
        "env_steps": 1000 * number,
        "elapsed_s": 10.0 * number,
        "mean": float(number),
        "best": 2.0 * number,
        "sigma": 0.1,
        "steps_per_s": 100.0,
        **more,
    }


def write_rows(path: Path, rows: list[dict[str, Any]], torn: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + torn)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run whose search has done 30 of 50 generations."""
    folder = tmp_path / "run"
    rows = [generation(g, **({"evaluation": 5.0 * g} if g % 10 == 0 else {})) for g in range(1, 31)]
    write_rows(folder / "ctrl" / "history.jsonl", rows)
    (folder / "ctrl" / "settings.json").write_text('{"generations": 50, "max_hours": 100}')
    (folder / "config.toml").touch()
    return folder


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets things happen while the watcher sleeps; after the last of them comes Ctrl-C."""

    def arrange(*events: Callable[[], Any]) -> None:
        left = list(events)

        def sleep(seconds: float) -> None:
            if not left:
                raise KeyboardInterrupt
            left.pop(0)()

        monkeypatch.setattr(command.time, "sleep", sleep)

    return arrange


def test_time_left_is_the_recent_pace_times_what_is_to_come(run: Path) -> None:
    assert read_standing(run).left_s == 20 * 10


def test_time_left_is_cut_by_the_limit_in_hours(run: Path) -> None:
    hours = 350 / 3600
    (run / "ctrl" / "settings.json").write_text(f'{{"generations": 50, "max_hours": {hours}}}')
    assert read_standing(run).left_s == pytest.approx(50)


def test_a_search_is_finished_once_done_has_its_settings(run: Path) -> None:
    assert not read_standing(run).finished
    settings = json.loads((run / "ctrl" / "settings.json").read_text())
    (run / "ctrl" / "done").write_text(json.dumps({"settings": settings}))
    assert read_standing(run).finished


def test_a_finished_search_that_is_begun_again_for_longer_is_not_finished(run: Path) -> None:
    (run / "ctrl" / "done").write_text('{"settings": {"generations": 30, "max_hours": 100}}')
    assert not read_standing(run).finished


def test_training_is_shown_until_a_search_has_begun(run: Path) -> None:
    row = {"step": 200, "loss": 3.0, "validation_loss": 4.0, "steps_per_s": 10.0}
    write_rows(run / "vae" / "metrics.jsonl", [row])
    assert read_standing(run).folder.name == "ctrl"
    (run / "ctrl" / "history.jsonl").unlink()
    assert read_standing(run).folder.name == "vae"
    write_rows(run / "rnn" / "metrics.jsonl", [row])
    (run / "rnn" / "settings.json").write_text('{"num_steps": 700}')
    standing = read_standing(run)
    assert (standing.folder.name, standing.left_s) == ("rnn", 50)


def test_the_steps_of_v_are_told_from_its_epochs_and_the_recorded_frames(run: Path) -> None:
    (run / "ctrl" / "history.jsonl").unlink()
    row = {"step": 200, "loss": 3.0, "validation_loss": 4.0, "steps_per_s": 10.0}
    write_rows(run / "vae" / "metrics.jsonl", [row])
    assert read_standing(run).total is None
    (run / "episodes").mkdir()
    (run / "episodes" / "done").write_text('{"episodes": 20, "steps": 6000}')
    settings = {"epochs": 8, "batch_size": 64, "validation_episodes": 2}
    (run / "vae" / "settings.json").write_text(json.dumps(settings))
    assert read_standing(run).total == 8 * (18 * 301 // 64)


def test_once_shows_a_chart_and_the_numbers(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", str(run), "--once"]) == 0
    out = capsys.readouterr().out
    assert "generation 30 of 50, 3m20s left" in out
    assert "mean 30.0, best 60.0" in out
    assert "best 150.0 at 30" in out
    assert out.count("◆") == 3 + 1  # and one in the legend
    assert "\x1b" not in out


def test_an_averaging_search_is_said_to_score_its_average(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / "ctrl" / "settings.json").write_text('{"average_generations": 5}')
    assert main(["watch", str(run), "--once"]) == 0
    out = capsys.readouterr().out
    assert "◆ evaluation of the average of the means" in out
    assert "evaluation of the average of the means: 150.0 at generation 30" in out


def test_a_stage_without_a_sign_of_life_is_not_said_to_go_on(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["watch", str(run), "--once"]) == 0
    assert "search of C, going on" in capsys.readouterr().out
    long_ago = time.time() - 3 * 3600
    for path in (run / "ctrl").iterdir():
        os.utime(path, (long_ago, long_ago))
    assert main(["watch", str(run), "--once"]) == 0
    assert "search of C, silent for 3h00m" in capsys.readouterr().out


@pytest.mark.parametrize(("columns", "lines"), [(40, 12), (80, 24), (200, 60)])
@pytest.mark.parametrize("plain", [True, False])
def test_the_panel_fits_the_terminal(run: Path, columns: int, lines: int, plain: bool) -> None:
    shown = panel(read_standing(run), columns, lines, plain)
    assert len(shown) < lines
    assert max(len(re.sub(r"\x1b\[\d+m", "", line)) for line in shown) < columns


def test_new_rows_are_printed_as_they_come_until_it_is_done(
    run: Path, meanwhile: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    log = run / "ctrl" / "history.jsonl"

    def torn() -> None:
        with log.open("a") as file:
            file.write('{"generation": 31, "mea')

    def whole() -> None:
        write_rows(log, [generation(g) for g in range(1, 33)])

    def done() -> None:
        (run / "ctrl" / "done").write_text("{}")

    meanwhile(torn, whole, done)
    assert main(["watch", str(run)]) == 0
    lines = capsys.readouterr().out.splitlines()
    numbers = [line.split(" of ")[0] for line in lines if line.startswith("generation")]
    assert numbers == [f"generation {g}" for g in (26, 27, 28, 29, 30, 31, 32)]
    assert lines[-1] == "finished"


def test_a_log_that_is_cut_back_on_resume_is_followed_on(
    run: Path, meanwhile: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    log = run / "ctrl" / "history.jsonl"
    meanwhile(
        lambda: write_rows(log, [generation(g) for g in range(1, 21)]),
        lambda: write_rows(log, [generation(g) for g in range(1, 23)]),
    )
    assert main(["watch", str(run)]) == 0
    out = capsys.readouterr().out
    assert "going on from generation 20" in out
    assert out.index("going on") < out.index("generation 21 of") < out.index("generation 22 of")


def test_on_a_terminal_the_panel_is_drawn_over_the_one_before(
    run: Path,
    meanwhile: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(command.sys.stdout, "isatty", lambda: True)
    log = run / "ctrl" / "history.jsonl"
    meanwhile(lambda: None, lambda: write_rows(log, [generation(g) for g in range(1, 32)]))
    assert main(["watch", str(run)]) == 0
    first, second = capsys.readouterr().out.split("\x1b[J")
    lines = first.count("\n")
    assert first.endswith(f"\x1b[{lines}F")
    assert "generation 31 of 50" in second


@pytest.mark.parametrize(
    ("arguments", "said", "code"),
    [
        ([], "needs the folder of a run", 2),
        (["nowhere"], "holds no run", 2),
        (["{run}", "--twice"], "does not know '--twice'", 2),
        (["{run}", "--every", "0"], "must be above 0", 2),
        (["{run}", "--every", "often"], "--every", 2),
    ],
)
def test_a_mistake_is_a_sentence(
    run: Path, arguments: list[str], said: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["watch", *(word.format(run=run) for word in arguments)]) == code
    err = capsys.readouterr().err
    assert said in err
    assert len(err.splitlines()) == 1


def test_a_run_without_any_log_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.toml").touch()
    assert main(["watch", str(tmp_path)]) == 1
    assert "nothing to watch yet" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["history.jsonl", "settings.json", "done"])
def test_a_damaged_file_is_a_sentence(
    run: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / "ctrl" / name).write_text("{]\n{]\n")
    assert main(["watch", str(run)]) == 1
    err = capsys.readouterr().err
    assert f"{name} is damaged" in err
    assert len(err.splitlines()) == 1
