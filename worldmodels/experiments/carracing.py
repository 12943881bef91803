"""CarRacing-v3: drive around a random track, seen from above."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import gymnasium
import numpy as np

from worldmodels.data.explorers import Brownian, RandomController
from worldmodels.experiment import CurvePoint, Experiment, LearningCurve, Lever, Score, WorldRequest
from worldmodels.settings import AtLeast, AtMost, Count

if TYPE_CHECKING:
    from torch import Tensor

    from worldmodels.worlds.world import World


@dataclass(frozen=True)
class CarSettings:
    """Rules of the game; the defaults of CarRacing-v3 are 1000 and 0.95."""

    max_episode_steps: Count
    lap_complete_percent: Annotated[float, AtLeast(0), AtMost(1)]


def official(request: WorldRequest) -> World:
    """Gymnasium's own CarRacing-v3."""
    from worldmodels.worlds.carracing import make_car_racing
    from worldmodels.worlds.world import GameWorld

    settings: CarSettings = request.settings
    envs = [
        make_car_racing(
            render_mode="rgb_array" if request.render else None,
            max_episode_steps=settings.max_episode_steps,
            lap_complete_percent=settings.lap_complete_percent,
        )
        for _ in range(request.num_envs)
    ]
    return GameWorld(envs, "Disabled")


def fast(request: WorldRequest) -> World:
    """The same game as compiled kernels: equal but for the frames' last few grey levels."""
    from worldmodels.worlds.fastcar.env import FastCarWorld

    settings: CarSettings = request.settings
    return FastCarWorld(
        request.num_envs,
        max_episode_steps=settings.max_episode_steps,
        lap_complete_percent=settings.lap_complete_percent,
        threads=request.threads,
        render_mode="rgb_array" if request.render else None,
        autoreset_mode="Disabled",
    )


def action_space() -> gymnasium.spaces.Box:
    """Steering -1 (left) to 1 (right), gas 0 to 1, brake 0 to 1."""
    return gymnasium.spaces.Box(
        np.array([-1, 0, 0], np.float32), np.array([1, 1, 1], np.float32), dtype=np.float32
    )


def squash(raw: Tensor) -> Tensor:
    """C's three outputs as an action: tanh, then gas = (a + 1) / 2 and brake = clip(a, 0, 1)."""
    import torch

    steer, gas, brake = raw.tanh().unbind(-1)
    return torch.stack([steer, (gas + 1) / 2, brake.clamp(0, 1)], dim=-1)


def squash_array(raw: np.ndarray) -> np.ndarray:
    """`squash` for one NumPy action."""
    steer, gas, brake = np.tanh(raw)
    return np.array([steer, (gas + 1) / 2, np.clip(brake, 0, 1)], np.float32)


class Uniform:
    """A fresh uniform action at every step: what most papers call the random policy."""

    def __init__(self, random: np.random.Generator) -> None:
        self._random = random

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        """The action for `frame`, which is not looked at."""
        return self._random.uniform([-1, 0, 0], [1, 1, 1]).astype(np.float32)


EXPERIMENT = Experiment(
    name="carracing",
    title="CarRacing-v3",
    settings=CarSettings,
    action_size=3,
    worlds={"official": official, "fast": fast},
    action_space=action_space,
    squash=squash,
    explorers={
        "controller": lambda random: RandomController(random, 3, squash_array),
        "brownian": lambda random: Brownian(random, [-1, 0, 0], [1, 1, 1]),
        "uniform": Uniform,
    },
    random_explorer="uniform",
    max_steps=lambda settings: int(settings.max_episode_steps),
    done_head=False,
    idle_reward=-0.1,
    threaded_worlds=frozenset({"fast"}),
    frames_per_s=50,
    usual_steps=1000,
    frame_bytes=1200,
    solved=900,
    scores=(
        Score("World Models, full model", 906, 21, "Ha & Schmidhuber 2018"),
        Score("World Models, V only, hidden layer", 788, 141, "Ha & Schmidhuber 2018"),
        Score("World Models, V only", 632, 251, "Ha & Schmidhuber 2018"),
        Score("zacwellmer/WorldModels", 888, 49, "its README"),
        Score("ctallec/world-models", 860, 120, "its README"),
        Score("AdeelMufti/WorldModels", 753, 13, "its README"),
        Score("best of the old leaderboard", 838, 11, "Ha & Schmidhuber 2018"),
        Score("A3C", 652, 10, "Ha & Schmidhuber 2018"),
        Score("DQN", 343, 18, "Ha & Schmidhuber 2018"),
        Score("random policy", -72, None, "AdeelMufti/WorldModels"),
    ),
    learning_curve=LearningCurve(
        name="the original, 64 cores",
        source="logs in hardmaru/WorldModelsExperiments, 1,024 episodes a point",
        points=(
            CurvePoint(25, 823, 25.5e6, 15),
            CurvePoint(50, 867, 51e6, 29),
            CurvePoint(200, 880, 201e6, 4.8 * 24),
            CurvePoint(800, 895, 781e6, 21 * 24),
            CurvePoint(1800, 900.5, 1.72e9, 46.6 * 24),
        ),
    ),
    # The front wheels turn no further than 0.4. Full gas from a key spins the car at once.
    levers=(
        Lever("steering", plus="right", minus="left", reach=0.4, rise_s=0.15, fall_s=0.08),
        Lever("gas", plus="up", reach=0.5, rise_s=0.3, fall_s=0.1),
        Lever("brake", plus="down", reach=0.5, rise_s=0.3, fall_s=0.05),
    ),
)
