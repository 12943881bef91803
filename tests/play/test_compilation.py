"""Whoever waits for a world to be compiled is told why."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numba import njit
from tiny_cast import tiny_game

from worldmodels.experiment import WorldRequest
from worldmodels.play.compilation import warm_up


def test_a_world_that_has_to_be_compiled_says_so_once_and_never_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kernels = [njit(lambda x: x + 1), njit(lambda x: x - 1)]
    world = tiny_game.official(WorldRequest("official", 1, tiny_game.TinySettings(5)))
    step = world.step

    def compiled_step(actions: np.ndarray) -> Any:
        for kernel in kernels:
            kernel(1.0)
        return step(actions)

    monkeypatch.setattr(world, "step", compiled_step)
    warm_up(world, "fast")
    assert capsys.readouterr().err == "compiling the fast world, once, about half a minute\n"
    warm_up(world, "fast")
    assert not capsys.readouterr().err
