"""Bad input and bad luck: one sentence that says what to do, a non-zero code, nothing lost."""

from __future__ import annotations

import errno
import json
import shlex
import shutil
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import TINY

from worldmodels import rundir
from worldmodels.cli import main


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """The complaint: the last line on standard error."""
    lines = capsys.readouterr().err.strip().splitlines()
    assert lines[-1].startswith("wm: ")
    assert "Traceback" not in "\n".join(lines)
    return lines[-1]


@pytest.mark.parametrize(
    ("stage", "needed"),
    [
        ("train-vae", "wm extract"),
        ("encode", "wm extract"),
        ("train-rnn", "wm train-vae"),
        ("train-ctrl", "wm train-vae"),
        ("eval", "wm train-vae"),
        ("render", "wm train-vae"),
    ],
)
def test_a_stage_before_its_input_names_the_command_to_run(
    stage: str, needed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([stage, TINY, "--run", str(tmp_path / "run")]) == 1
    assert f"run `{needed} {TINY}" in said(capsys)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["extract", "carracign"], "did you mean 'carracing'?"),
        (["extarct", "carracing"], "did you mean 'extract'?"),
        (["extract", "missing.toml"], "no config file"),
        (["extract"], "needs a config"),
        (["config", "doom", "--x"], "nothing else"),
    ],
)
def test_a_wrong_command_line_is_a_usage_mistake(
    arguments: list[str], part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert part in said(capsys)


def test_an_unknown_key_suggests_the_nearest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "mine.toml"
    config.write_text('extends = "carracing.toml"\n[train_vae]\nlearning_rat = 1e-3\n')
    assert main(["train-vae", str(config), "--run", str(tmp_path / "run")]) == 2
    assert "unknown key train_vae.learning_rat; did you mean 'learning_rate'?" in said(capsys)


@pytest.mark.parametrize(
    ("stage", "flags", "part"),
    [
        ("extract", ["--explorer", "hold"], "did you mean 'held'?"),
        ("extract", ["--world", "fast"], "has no world 'fast'"),
        ("extract", ["--min-steps", "30"], "no episode can last longer"),
        ("extract", ["--max-steps", "3"], "no episode can last longer"),
        ("train-ctrl", ["--workers", "-2"], "number of processes"),
        ("train-ctrl", ["--curriculum", "50;5"], "not of the form 50,5"),
        ("train-ctrl", ["--patience", "5"], "has no meaning"),
        ("train-ctrl", ["--population", "2"], "--population must be at least 4"),
        ("train-ctrl", ["--evaluate-every", "0"], "--evaluate-every must be at least 1"),
        ("train-ctrl", ["--temperature", "0"], "--temperature must be above 0"),
        ("train-ctrl", ["--world", "dreem"], "has no world"),
        ("eval", ["--random", "--dream"], "exclude each other"),
        ("eval", ["--episodes", "0"], "--episodes must be at least 1"),
        ("eval", ["--agent", "zoo"], "no trained agent"),
        ("eval", ["--agent", "/nowhere"], "there is no agent"),
    ],
)
def test_a_wrong_setting_is_a_usage_mistake(
    stage: str,
    flags: list[str],
    part: str,
    run_with: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = run_with() if stage == "extract" else run_with("vae", "rnn", "ctrl")
    if stage == "train-ctrl":
        shutil.rmtree(run / "ctrl")
    assert main([stage, TINY, "--run", str(run), *flags]) == 2
    assert part in said(capsys)
    made = {"extract": "episodes", "train-ctrl": "ctrl", "eval": "eval"}[stage]
    assert not (run / made).exists()


def test_a_flag_of_the_wrong_type_is_a_usage_mistake() -> None:
    with pytest.raises(SystemExit) as caught:
        main(["extract", TINY, "--episodes", "many"])
    assert caught.value.code == 2


def test_a_missing_gpu_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    assert main(["extract", TINY, "--run", str(tmp_path), "--device", "cuda"]) == 1
    assert "sees no GPU" in said(capsys)


def test_a_truncated_episode_is_named(
    run_with: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_with("episodes")
    path = run / "episodes" / "000003.npz"
    path.write_bytes(path.read_bytes()[:-100])
    assert main(["train-vae", TINY, "--run", str(run)]) == 1
    assert "000003.npz" in said(capsys)
    assert main(["extract", TINY, "--run", str(run), "--workers", "1"]) == 0
    assert main(["train-vae", TINY, "--run", str(run), "--epochs", "1"]) == 0


def test_a_single_damaged_episode_among_many_is_skipped_with_a_count(
    finished_run: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished_run / "episodes", run / "episodes")
    for number in range(8, 150):
        (run / "episodes" / f"{number:06d}.npz").hardlink_to(run / "episodes" / "000001.npz")
    bad = run / "episodes" / "000140.npz"
    bad.unlink()
    bad.write_bytes(b"PK")
    shutil.copytree(finished_run / "vae", run / "vae")
    assert main(["encode", TINY, "--run", str(run), "--workers", "1"]) == 0
    captured = capfd.readouterr()
    assert "left out 1 damaged" in captured.out + captured.err
    assert "000140.npz" in captured.out + captured.err


def test_a_lost_episode_is_noticed_and_made_again(
    run_with: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_with("episodes", "vae")
    (run / "episodes" / "000003.npz").unlink()
    assert main(["encode", TINY, "--run", str(run), "--workers", "1"]) == 1
    assert "has only 7 of its 8 files: run `wm extract" in said(capsys)
    assert main(["extract", TINY, "--run", str(run), "--workers", "1"]) == 0
    assert main(["encode", TINY, "--run", str(run), "--workers", "1"]) == 0


def test_lost_weights_are_made_again(finished_run: Path, run_with: Callable[..., Path]) -> None:
    run = run_with("episodes", "vae")
    (run / "vae" / "model.safetensors").unlink()
    assert main(["train-vae", TINY, "--run", str(run)]) == 0
    for folder in (run, finished_run):
        assert (folder / "vae" / "model.safetensors").exists()
    one, other = ((r / "vae" / "model.safetensors").read_bytes() for r in (run, finished_run))
    assert one == other


def test_an_agent_is_not_scored_beside_another_m(
    run_with: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_with("vae", "series", "rnn", "ctrl")
    assert main(["train-rnn", TINY, "--run", str(run), "--num-steps", "45"]) == 0
    assert main(["eval", TINY, "--run", str(run)]) == 1
    assert "was evolved with another rnn" in said(capsys)


def test_a_report_is_not_replaced_for_an_agent_that_cannot_play(
    run_with: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_with("vae", "rnn", "ctrl", "eval")
    before = (run / "eval" / "report.json").read_text()
    (run / "rnn" / "model.safetensors").write_bytes(b"nothing")
    assert main(["eval", TINY, "--run", str(run), "--seed", "7"]) == 1
    assert "does not hold the Rnn" in said(capsys)
    assert (run / "eval" / "report.json").read_text() == before


def test_weights_of_another_size_are_refused(
    run_with: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_with("vae", "series", "rnn", "ctrl")
    sizes = json.loads((run / "rnn" / "model.json").read_text())
    (run / "rnn" / "model.json").write_text(json.dumps({**sizes, "hidden": 99}))
    assert main(["eval", TINY, "--run", str(run)]) == 1
    assert "does not hold the Rnn" in said(capsys)


def test_a_controller_of_another_agent_is_refused(
    run_with: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_with("vae", "series", "ctrl")
    (run / "ctrl" / "settings.json").unlink()  # so that only the sizes can tell
    assert main(["train-rnn", TINY, "--run", str(run), "--hidden", "8", "--num-steps", "2"]) == 0
    assert main(["eval", TINY, "--run", str(run)]) == 1
    assert "belongs to another agent" in said(capsys)


def test_other_settings_for_a_begun_stage_are_refused(
    run_with: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_with("episodes", "vae")
    assert main(["train-vae", TINY, "--run", str(run), "--batch-size", "8"]) == 1
    assert "begun with --batch-size 16, not with --batch-size 8" in said(capsys)


def test_an_input_made_anew_is_noticed(
    run_with: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_with("episodes", "series")
    assert main(["train-vae", TINY, "--run", str(run), "--latent", "3"]) == 0
    capsys.readouterr()
    assert main(["encode", TINY, "--run", str(run)]) == 1
    assert "begun with vae of fingerprint" in said(capsys)


def test_a_full_disk_is_foreseen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(1, 1, 1 << 20))
    assert main(["extract", TINY, "--run", str(tmp_path / "run")]) == 1
    assert "free some space" in said(capsys)


def test_a_disk_that_fills_up_loses_nothing(
    run_with: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = run_with("episodes")
    real = rundir.os.fsync
    calls: list[int] = []

    def fill_up(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) > 12:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(rundir.os, "fsync", fill_up)
    arguments = ["train-vae", TINY, "--run", str(run), "--checkpoint-s", "0"]
    assert main(arguments) == 1
    assert "disk is full" in said(capsys)
    monkeypatch.undo()
    assert not list((run / "vae").glob(".*.tmp"))
    assert main(arguments) == 0
    assert "going on from step" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*arguments: Any, **keywords: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(tmp_path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert main(["extract", TINY, "--run", str(tmp_path / "run")]) == 1
    assert "no permission to write" in said(capsys)


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_good_state(
    run_with: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_with("vae", "series")
    arguments = ["train-rnn", TINY, "--run", str(run), "--checkpoint-s", "0"]
    wild = ["--learning-rate", "1e4", "--gradient-clip", "1e9", "--num-steps", "400"]
    assert main([*arguments, *wild]) == 1
    assert "the loss of train-rnn became" in said(capsys)
    assert (run / "rnn" / "latest.ckpt").exists()
    assert not (run / "rnn" / "done").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["extract", "{own}", "--run", "{other}"],
        ["train-vae", "{own}", "--run", "{new}", "--inputs-from", "{other}"],
    ],
)
def test_two_games_do_not_mix(
    words: list[str], finished_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = tmp_path / "new"
    shutil.copytree(finished_run / "episodes", new / "episodes")
    names = {"own": "carracing-smoke", "other": finished_run, "new": new}
    assert main([word.format(**names) for word in words]) == 2
    assert "is of tiny_game, not of carracing" in said(capsys)
    assert not (new / "vae").exists()


def test_training_does_not_start_from_what_is_not_trained_yet(
    run_with: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_with("episodes")
    (tmp_path / "going-on" / "vae").mkdir(parents=True)
    start = ["--start", str(tmp_path / "going-on")]
    assert main(["train-vae", TINY, "--run", str(run), *start]) == 2
    assert "vae has no model.safetensors yet: let `wm train-vae` finish" in said(capsys)


def test_a_folder_in_use_is_left_alone(
    run_with: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_with("episodes")
    with rundir.Artifact(run, "vae", "wm train-vae").locked():
        assert main(["train-vae", TINY, "--run", str(run)]) == 1
    assert "another process is at work" in said(capsys)


def test_a_damaged_checkpoint_is_named(
    run_with: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_with("episodes", "vae")
    (run / "vae" / "done").unlink()
    (run / "vae" / "latest.ckpt").write_bytes(b"nothing")
    assert main(["train-vae", TINY, "--run", str(run)]) == 1
    assert "latest.ckpt cannot be read" in said(capsys)


def test_a_recording_does_not_shrink(
    run_with: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_with("episodes")
    before = (run / "episodes/done").read_bytes()
    assert main(["extract", TINY, "--run", str(run), "--episodes", "4"]) == 2
    assert "a recording only grows: ask for 8 or more" in capsys.readouterr().err
    assert (run / "episodes/done").read_bytes() == before


def test_what_neither_run_has_is_to_be_made_in_the_own_one(
    run_with: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own, other = tmp_path / "own", run_with("vae")
    words = ["train-rnn", TINY, "--run", str(own), "--inputs-from", str(other)]
    assert main(words) == 1
    said = capsys.readouterr().err
    advice = f"`wm encode {TINY} --run {own} --inputs-from {other}`"
    assert f"{own / 'series'} does not exist: run {advice}" in said


def test_the_advice_for_a_missing_stage_keeps_the_other_runs_folder(
    run_with: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inputs, run = run_with("vae"), tmp_path / "own run"
    words = ["--run", str(run), "--inputs-from", str(inputs)]
    assert main(["train-ctrl", TINY, *words]) == 1
    assert shlex.join(["wm", "train-rnn", TINY, *words]) in capsys.readouterr().err
    assert main(["train-ctrl", TINY, *words[:-1], "/nowhere"]) == 2
    assert "--inputs-from /nowhere: there is no such folder" in capsys.readouterr().err
