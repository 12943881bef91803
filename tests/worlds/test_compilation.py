"""Whoever waits for a world to be compiled is told why."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from numba import njit

from worldmodels.models.rnn import Rnn, RnnSizes
from worldmodels.worlds.compilation import warm_up
from worldmodels.worlds.dream import DreamWorld, FirstLatents


def test_a_world_that_has_to_be_compiled_says_so_once_and_never_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kernels = [njit(lambda x: x + 1), njit(lambda x: x - 1)]
    rnn, zeros = Rnn(RnnSizes(2, 1, 4, 1, True)), np.zeros((1, 2), np.float32)
    action_space = gymnasium.spaces.Box(-1, 1, (1,), np.float32)
    world = DreamWorld(
        rnn, FirstLatents(zeros, zeros), action_space, 1, temperature=1.0, max_episode_steps=5
    )
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
