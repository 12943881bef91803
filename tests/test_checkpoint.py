"""Checkpoints: saved whole, saved when asked to stop, and safe to read."""

from __future__ import annotations

import os
import resource
import signal
from pathlib import Path

import pytest
import torch

from worldmodels import checkpoint as checkpoint_module
from worldmodels.checkpoint import Checkpointer
from worldmodels.errors import Interrupted, WorldModelsError


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return os.system, (f"touch {self.path}",)


def loop(path: Path, steps: int, stop_at: int | None = None) -> int:
    """Adds the numbers up to `steps`; a signal comes in the middle of step `stop_at`."""
    with Checkpointer(path, every_s=1e9) as checkpointer:
        state = checkpointer.load() or {"step": 0, "total": 0}
        while state["step"] < steps:
            if state["step"] == stop_at:
                os.kill(os.getpid(), signal.SIGTERM)
            state = {"step": state["step"] + 1, "total": state["total"] + state["step"]}
            if checkpointer.due:
                checkpointer.save(state)
                checkpointer.stop_if_asked(f"step {state['step']}")
    return state["total"]


def test_a_state_is_loaded_as_it_was_saved(tmp_path: Path) -> None:
    state = {"weight": torch.randn(3), "step": 7, "name": "a", "parts": [1.5, None, True]}
    Checkpointer(tmp_path / "latest.ckpt").save(state)
    loaded = Checkpointer(tmp_path / "latest.ckpt").load()
    assert loaded is not None
    assert torch.equal(loaded.pop("weight"), state.pop("weight"))
    assert loaded == state


def test_without_a_file_there_is_no_state(tmp_path: Path) -> None:
    assert Checkpointer(tmp_path / "latest.ckpt").load() is None


@pytest.mark.parametrize("content", [b"", b"garbage", None], ids=["empty", "garbage", "truncated"])
def test_a_damaged_checkpoint_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "latest.ckpt"
    Checkpointer(path).save({"weight": torch.zeros(100)})
    path.write_bytes(path.read_bytes()[:-100] if content is None else content)
    with pytest.raises(WorldModelsError, match=r"latest\.ckpt cannot be read .*remove it"):
        Checkpointer(path).load()


def test_nothing_in_a_checkpoint_is_run(tmp_path: Path) -> None:
    torch.save({"state": Bomb(tmp_path / "ran")}, tmp_path / "latest.ckpt")
    with pytest.raises(WorldModelsError, match="cannot be read"):
        Checkpointer(tmp_path / "latest.ckpt").load()
    assert not (tmp_path / "ran").exists()


def test_a_save_that_fails_leaves_the_last_checkpoint(tmp_path: Path) -> None:
    checkpointer = Checkpointer(tmp_path / "latest.ckpt")
    checkpointer.save({"step": 1})
    with pytest.raises(Exception, match="pickle"):
        checkpointer.save({"step": lambda: None})
    assert checkpointer.load() == {"step": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["latest.ckpt"]


def test_a_save_is_due_after_the_given_time_and_not_again_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 100.0
    monkeypatch.setattr(checkpoint_module.time, "monotonic", lambda: now_s)
    checkpointer = Checkpointer(tmp_path / "latest.ckpt", every_s=60)
    now_s += 59
    assert not checkpointer.due
    now_s += 1
    assert checkpointer.due
    checkpointer.save({})
    assert not checkpointer.due


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_the_loop_save_and_then_interrupts_it(
    tmp_path: Path, number: signal.Signals
) -> None:
    with Checkpointer(tmp_path / "latest.ckpt", every_s=1e9) as checkpointer:
        checkpointer.stop_if_asked("step 1")
        assert not checkpointer.due
        os.kill(os.getpid(), number)
        assert checkpointer.due
        checkpointer.save({"step": 2})
        with pytest.raises(Interrupted, match=f"stopped by {number.name} at step 2; saved"):
            checkpointer.stop_if_asked("step 2")


def test_a_second_signal_stops_at_once(tmp_path: Path) -> None:
    with Checkpointer(tmp_path / "latest.ckpt"):
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_after_the_loop_signals_mean_what_they_did_before(tmp_path: Path) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with Checkpointer(tmp_path / "latest.ckpt"):
        during = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert during[0] not in before


def test_an_interrupted_loop_goes_on_to_the_same_result(tmp_path: Path) -> None:
    with pytest.raises(Interrupted, match="step 4"):
        loop(tmp_path / "parts.ckpt", steps=10, stop_at=3)
    assert loop(tmp_path / "parts.ckpt", steps=10) == loop(tmp_path / "whole.ckpt", steps=10)


def test_an_interruption_ends_the_command_as_a_shell_expects() -> None:
    assert Interrupted("stopped").exit_code == 130


def test_a_full_disk_is_told_as_one_and_the_old_state_stays(tmp_path: Path) -> None:
    path = tmp_path / "latest.ckpt"
    with Checkpointer(path, every_s=1e9) as checkpointer:
        checkpointer.save({"step": 1})
        big = {"weights": torch.zeros(1 << 16)}
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 12, limits[1]))
        try:
            with pytest.raises(OSError, match="File too large"):
                checkpointer.save(big)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, handler)
        assert checkpointer.load() == {"step": 1}
    assert list(tmp_path.iterdir()) == [path]
