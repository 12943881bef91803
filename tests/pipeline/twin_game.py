"""The tiny game with second worlds: one that is the same, and some that are not."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import tiny_game
from tiny_game import TinyGame

from worldmodels.experiment import WorldRequest
from worldmodels.worlds.world import GameWorld


class Telling(TinyGame):
    """It tells where the dot is."""

    def physics(self) -> dict[str, np.ndarray]:
        return {"dot_px": np.array([self._x])}


class Dearer(Telling):
    """Every third step earns a quarter more."""

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict]:
        frame, reward, lost, late, info = super().step(action)
        return frame, reward + 0.25 * (self._steps % 3 == 0), lost, late, info


class Shorter(Telling):
    """It is lost after three steps."""

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict]:
        frame, reward, lost, late, info = super().step(action)
        return frame, reward, lost or self._steps >= 3, late, info


class Shifted(Telling):
    """Where the dot is said to be is half a pixel off, from the second step on."""

    def physics(self) -> dict[str, np.ndarray]:
        return {"dot_px": np.array([self._x + 0.5 * (self._steps >= 2)])}


class Brighter(Telling):
    """The first frame is 3 grey levels brighter, that of step 11 even 5."""

    def render(self) -> np.ndarray:
        return super().render() + np.uint8({0: 3, 11: 5}.get(self._steps, 0))


def worlds_of(game: type[TinyGame]) -> Callable[[WorldRequest], GameWorld]:
    def make(request: WorldRequest) -> GameWorld:
        envs = [game(request.settings.max_episode_steps) for _ in range(request.num_envs)]
        return GameWorld(envs, "Disabled")

    return make


EXPERIMENT = dataclasses.replace(
    tiny_game.EXPERIMENT,
    name="twin",
    title="Twin game",
    worlds={
        "official": worlds_of(Telling),
        "same": worlds_of(Telling),
        "dearer": worlds_of(Dearer),
        "shorter": worlds_of(Shorter),
        "shifted": worlds_of(Shifted),
        "brighter": worlds_of(Brighter),
        "silent": worlds_of(TinyGame),
    },
)
