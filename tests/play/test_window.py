"""The window itself, on SDL's dummy display, with keys that nobody presses."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pygame
import pytest
from tiny_cast import make_mind, make_session

from worldmodels.errors import WorldModelsError
from worldmodels.experiment import WorldRequest
from worldmodels.experiments import carracing
from worldmodels.play.scenes import GameScene
from worldmodels.play.session import Session
from worldmodels.play.window import Window, connect
from worldmodels.worlds.compilation import warm_up

RATE = 10


@pytest.fixture(autouse=True)
def display() -> Iterator[None]:
    connect()
    yield
    pygame.quit()


def press(key: int, character: str = "") -> None:
    pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=key, unicode=character))


def release(key: int) -> None:
    pygame.event.post(pygame.event.Event(pygame.KEYUP, key=key))


def on_screen() -> np.ndarray:
    return pygame.surfarray.array3d(pygame.display.get_surface()).swapaxes(0, 1)


def open_window(session: Session, steps_per_s: float = RATE, scale: float = 0.6) -> Window:
    return Window(pygame, session, "a test", steps_per_s, scale)


def test_steps_are_taken_at_the_games_own_rate(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    window = open_window(session)
    for i in range(201):
        window.turn(i * 0.01001)
    assert session.scene.steps == 21
    assert session.speed == f"{RATE}/s"
    assert not session.warning


def test_a_machine_that_cannot_keep_up_is_told_of(tmp_path: Path) -> None:
    session = make_session(tmp_path, max_steps=1000)
    window = open_window(session, steps_per_s=50)
    for i in range(10):
        window.turn(float(i))
    assert "cannot keep up: 3 of 50" in session.warning


def test_keys_steer_until_they_are_released(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    window = open_window(session)
    press(pygame.K_LEFT)
    window.turn(0.0)
    assert session.view().gauges[0].value == -1
    release(pygame.K_LEFT)
    press(pygame.K_d, "d")
    window.turn(0.1)
    assert session.view().gauges[0].value == 1
    pygame.event.post(pygame.event.Event(pygame.WINDOWFOCUSLOST))
    window.turn(0.2)
    assert session.view().gauges[0].value == 0


def test_keys_are_obeyed_in_order(tmp_path: Path) -> None:
    session = make_session(tmp_path, make_mind())
    window = open_window(session)
    for key, character in ((pygame.K_m, "m"), (pygame.K_PERIOD, "."), (pygame.K_e, "e")):
        press(key, character)
    window.turn(0.0)
    assert (session.agent_drives, session.is_paused, session.scene.steps) == (True, True, 1)
    press(pygame.K_LEFTBRACKET, "[")
    press(pygame.K_RETURN, "\r")
    window.turn(0.1)
    assert (session.scene.name, session.scene.seed) == ("dream", 2)


def test_the_picture_changes_with_the_game_and_with_the_size_of_the_window(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    window = open_window(session)
    press(pygame.K_RIGHT)
    window.turn(0.0)
    before = on_screen()
    assert before.std() > 5
    window.turn(0.1)
    assert (on_screen() != before).any()
    pygame.display.set_mode((800, 700), pygame.RESIZABLE)
    window.turn(0.2)
    assert on_screen().shape == (700, 800, 3)
    assert on_screen()[650:].std() > 1


@pytest.mark.parametrize("how", ["key", "closed"])
def test_the_window_runs_until_the_person_has_had_enough(tmp_path: Path, how: str) -> None:
    session = make_session(tmp_path)
    window = open_window(session)
    if how == "key":
        press(pygame.K_ESCAPE, "\x1b")
    else:
        pygame.event.post(pygame.event.Event(pygame.QUIT))
    window.run()
    assert session.has_quit


def test_the_fast_car_is_driven_forward_with_the_up_key(tmp_path: Path) -> None:
    experiment = carracing.EXPERIMENT
    settings = carracing.CarSettings(1000, 0.95)
    world = experiment.make_world(WorldRequest("fast", 1, settings, render=True))
    warm_up(world, "fast")
    session = Session(experiment, None, GameScene("fast", world, None), None, 1, 1.0, tmp_path)
    window = open_window(session, experiment.frames_per_s)
    press(pygame.K_UP)
    for i in range(50):
        window.turn(i * 0.02001)
    assert session.scene.steps == 50
    assert session.scene.total > 10
    assert [gauge.value > 0 for gauge in session.view().gauges] == [False, True, False]
    assert on_screen().std() > 10


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="others always have a display")
def test_without_a_display_the_other_commands_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(WorldModelsError, match=r"no display.*wm web.*wm render"):
        connect()


def test_a_display_that_cannot_be_reached_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    pygame.quit()
    monkeypatch.setenv("SDL_VIDEODRIVER", "nonsense")
    with pytest.raises(WorldModelsError, match=r"no window can be opened.*nonsense.*wm render"):
        connect()
