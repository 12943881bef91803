"""The keys: what they mean, and what is said about them."""

from __future__ import annotations

import re

import pytest

from worldmodels.experiments import carracing, doom
from worldmodels.play.keys import COMMANDS, HELP, STEERING, Intent, Keyboard


@pytest.mark.parametrize(
    ("name", "character", "intent"),
    [
        ("m", "m", Intent.HAND_OVER),
        ("M", "M", Intent.HAND_OVER),
        ("return", "\r", Intent.RESTART),
        ("8", "[", Intent.TO_DREAM),  # with AltGr, on a German keyboard
        ("=", "+", Intent.HOTTER),
        ("[+]", "+", Intent.HOTTER),  # of the number block
        ("escape", "\x1b", Intent.QUIT),
        ("f1", "", Intent.HELP),
        ("x", "x", None),
        ("left", "", None),
    ],
)
def test_a_key_asks_for(name: str, character: str, intent: Intent | None) -> None:
    assert Keyboard().press(name, character) is intent


def test_a_direction_is_held_until_all_of_its_keys_are_released() -> None:
    keyboard = Keyboard()
    for name in ("left", "a", "up"):
        keyboard.press(name, "")
    assert keyboard.directions == {"left", "up"}
    keyboard.release("left")
    assert keyboard.directions == {"left", "up"}
    keyboard.release("a")
    assert keyboard.directions == {"up"}
    keyboard.let_go()
    assert not keyboard.directions


def test_no_key_both_steers_and_commands() -> None:
    assert not STEERING.keys() & COMMANDS.keys()


def test_every_intent_has_a_key_that_the_help_names() -> None:
    named = {word.lower() for keys, _ in HELP for word in re.split(" or | ", keys)}
    named |= {"return", "escape"} if {"enter", "esc"} <= named else set()
    assert {COMMANDS[name] for name in named & COMMANDS.keys()} == set(Intent)
    assert {"w", "a", "s", "d"} <= named


@pytest.mark.parametrize("experiment", [carracing.EXPERIMENT, doom.EXPERIMENT])
def test_each_number_of_a_shipped_game_has_a_lever_with_real_keys(experiment: object) -> None:
    levers = experiment.levers  # type: ignore[attr-defined]
    space = experiment.action_space()  # type: ignore[attr-defined]
    assert len(levers) == experiment.action_size  # type: ignore[attr-defined]
    for lever, low, high in zip(levers, space.low, space.high, strict=True):
        assert lever.plus in STEERING.values()
        assert 0 < lever.reach <= high
        if lever.minus:
            assert lever.minus in STEERING.values()
            assert -lever.reach >= low
