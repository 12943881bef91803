"""`wm play` from the command line: whose agent it takes up, and what it refuses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pygame
import pytest
from conftest import TINY

from worldmodels.cli import main
from worldmodels.data.weights import save_network
from worldmodels.models.rnn import Rnn, RnnSizes
from worldmodels.play.session import Session
from worldmodels.play.window import Window

KEYS = {
    "m": pygame.K_m,
    ".": pygame.K_PERIOD,
    "e": pygame.K_e,
    "r": pygame.K_r,
    "[": pygame.K_LEFTBRACKET,
    "q": pygame.K_q,
}


@pytest.fixture(autouse=True)
def display(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keys may be pressed before the window is opened; nothing is written elsewhere."""
    monkeypatch.chdir(tmp_path)
    pygame.display.init()
    yield
    pygame.quit()


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> list[Session]:
    """The sessions that were played."""
    seen: list[Session] = []
    run = Window.run

    def note(window: Window) -> None:
        seen.append(window._session)
        run(window)

    monkeypatch.setattr(Window, "run", note)
    return seen


def press(keys: str) -> None:
    for key in keys:
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=KEYS[key], unicode=key))


def test_the_agent_of_a_run_is_taken_up(finished_run: Path, sessions: list[Session]) -> None:
    press(".meeeq")
    assert main(["play", TINY, "--run", str(finished_run), "--seed", "5"]) == 0
    assert sessions[0].agent_drives
    facts = dict(sessions[0].view().facts)
    assert (facts["steps"], facts["seed"], facts["world"]) == ("3", "5", "official")
    assert len(sessions[0].view().panels) == 4


def test_an_agent_from_elsewhere_is_taken_up(finished_run: Path, sessions: list[Session]) -> None:
    press(".mq")
    assert main(["play", TINY, "--agent", str(finished_run)]) == 0
    assert sessions[0].agent_drives


def test_it_is_played_without_an_agent_where_there_is_none(
    sessions: list[Session], capsys: pytest.CaptureFixture[str]
) -> None:
    press(".meq")
    assert main(["play", TINY]) == 0
    assert "you play without an agent" in capsys.readouterr().err
    assert not sessions[0].agent_drives
    assert len(sessions[0].view().panels) == 2


def test_v_and_m_without_c_are_enough_for_a_dream(
    run_with: Callable[..., Path], sessions: list[Session]
) -> None:
    press(".meeq")
    run = run_with("vae", "rnn")
    assert main(["play", TINY, "--run", str(run), "--world", "dream", "--temperature", "1.3"]) == 0
    facts = dict(sessions[0].view().facts)
    assert (facts["world"], facts["driver"], facts["temperature"]) == ("dream", "you", "1.30")


def test_a_film_lies_in_the_folder_of_the_run_even_if_the_window_is_closed_meanwhile(
    run_with: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    press(".reee[q")
    run = run_with("vae", "rnn", "ctrl")
    assert main(["play", TINY, "--run", str(run)]) == 0
    film = run / "render" / "play-1.mp4"
    assert film.stat().st_size > 1000
    assert capsys.readouterr().out == f"{film}\n"


def test_without_a_run_a_film_lies_in_the_current_folder(tmp_path: Path) -> None:
    press(".rrq")
    assert main(["play", TINY]) == 0
    assert (tmp_path / "render" / "play-1.mp4").is_file()


def test_dry_run_opens_no_window(capsys: pytest.CaptureFixture[str]) -> None:
    pygame.quit()
    assert main(["play", TINY, "--dry-run"]) == 0
    assert capsys.readouterr().out == "play: open a window on the official world of Tiny game\n"
    assert not pygame.display.get_init()


@pytest.mark.parametrize(
    ("flags", "code", "sentence"),
    [
        (["--world", "moon"], 2, "tiny has no world 'moon'. It has: official, dream."),
        (["--world", "dream"], 1, "vae does not exist: run `wm train-vae .*` first."),
        (["--run", "nowhere"], 1, "nowhere/ctrl does not exist: run `wm train-ctrl .*` first."),
        (["--agent", "nowhere"], 2, "there is no agent in nowhere"),
        (["--scale", "0.1"], 2, "--scale must be at least 0.5"),
        (["--temperature", "0"], 2, "--temperature must be above 0"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(
    flags: list[str], code: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["play", TINY, *flags]) == code
    said = capsys.readouterr().err
    assert re.search(sentence, said)
    assert said.count("\n") == 1


def test_v_and_m_of_another_game_are_refused(
    run_with: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_with("vae", "rnn")
    save_network(run / "rnn", Rnn(RnnSizes(4, 3, 16, 3, done_head=False)))
    assert main(["play", TINY, "--run", str(run)]) == 1
    assert "belong to another agent or game" in capsys.readouterr().err
