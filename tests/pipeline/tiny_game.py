"""A game small enough to run the whole pipeline in seconds: keep a dot near the middle.

It also stands for a user's own game, found by the dotted path in a config. The environment
variable TINY_FAULT makes its workers fail on purpose.
"""

from __future__ import annotations

import errno
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from torch import Tensor

from worldmodels.data.explorers import Held
from worldmodels.experiment import Experiment, Lever, Score, WorldRequest
from worldmodels.worlds.world import GameWorld


@dataclass(frozen=True)
class TinySettings:
    """How long an episode lasts."""

    max_episode_steps: int


class TinyGame(gymnasium.Env[np.ndarray, np.ndarray]):
    """A dot drifts to one side; pushing it keeps it on the screen."""

    def __init__(self, max_episode_steps: int) -> None:
        self.observation_space = gymnasium.spaces.Box(0, 255, (64, 64, 3), np.uint8)
        self.action_space = gymnasium.spaces.Box(-1, 1, (1,), np.float32)
        self.render_mode = "rgb_array"
        self._limit = max_episode_steps

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        if "TINY_PLAYED" in os.environ:  # a test counts the episodes
            with Path(os.environ["TINY_PLAYED"]).open("a") as file:
                file.write("*")
        self._x = self.np_random.uniform(20, 44)
        self._drift = self.np_random.uniform(-1, 1)
        self._steps = 0
        return self.render(), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict]:
        _fail_on_purpose()
        self._x += self._drift + 2 * float(action[0])
        self._steps += 1
        lost = not 4 <= self._x < 60
        late = self._steps >= self._limit and not lost
        return self.render(), 1.0, lost, late, {}

    def render(self) -> np.ndarray:
        frame = np.full((64, 64, 3), 40, np.uint8)
        x = int(np.clip(self._x, 4, 59))
        frame[28:36, x - 4 : x + 4] = (250, 200, 60)
        return frame


def _fail_on_purpose() -> None:
    fault = os.environ.get("TINY_FAULT")
    if fault == "raise":
        raise ArithmeticError("the dot fell off the edge of the world")
    if fault == "full disk":
        raise OSError(errno.ENOSPC, "No space left on device", "/the/disk")
    if fault == "memory":
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
    if fault == "kill" and os.getpid() != int(os.environ.get("TINY_SPARE", "0")):
        os.kill(os.getpid(), signal.SIGKILL)


def official(request: WorldRequest) -> GameWorld:
    envs = [TinyGame(request.settings.max_episode_steps) for _ in range(request.num_envs)]
    return GameWorld(envs, "Disabled")


def squash(raw: Tensor) -> Tensor:
    return raw.tanh()


EXPERIMENT = Experiment(
    name="tiny",
    title="Tiny game",
    settings=TinySettings,
    action_size=1,
    worlds={"official": official},
    action_space=lambda: gymnasium.spaces.Box(-1, 1, (1,), np.float32),
    squash=squash,
    explorers={"held": lambda random: Held(random, [-1], [1], longest=5)},
    random_explorer="held",
    max_steps=lambda settings: int(settings.max_episode_steps),
    done_head=True,
    idle_reward=None,
    threaded_worlds=frozenset(),
    frames_per_s=10,
    usual_steps=20,
    frame_bytes=200,
    solved=30,
    scores=(Score("nobody", 1, None, "nowhere"),),
    levers=(Lever("push", plus="right", minus="left"),),
)
