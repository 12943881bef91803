"""ViZDoom TakeCover: dodge fireballs by stepping left and right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import gymnasium
import numpy as np

from worldmodels.data.explorers import Held, Wandering
from worldmodels.experiment import CurvePoint, Experiment, LearningCurve, Lever, Score, WorldRequest
from worldmodels.settings import AtLeast, AtMost, Count

if TYPE_CHECKING:
    from torch import Tensor

    from worldmodels.worlds.world import World


@dataclass(frozen=True)
class DoomSettings:
    """Skill 1 to 5, and the time-out in tics (35 a second)."""

    skill: Annotated[int, AtLeast(1), AtMost(5)]
    max_episode_steps: Count


def official(request: WorldRequest) -> World:
    """The real game in ViZDoom's engine."""
    from worldmodels.worlds.takecover import TakeCoverEnv
    from worldmodels.worlds.world import GameWorld

    settings: DoomSettings = request.settings
    envs = [
        TakeCoverEnv(
            render_mode="rgb_array" if request.render else None,
            skill=settings.skill,
            max_episode_steps=settings.max_episode_steps,
        )
        for _ in range(request.num_envs)
    ]
    return GameWorld(envs, "Disabled")


def action_space() -> gymnasium.spaces.Box:
    """One number: below -1/3 steps left, above 1/3 steps right, between them stays."""
    return gymnasium.spaces.Box(-1, 1, (1,), np.float32)


def squash(raw: Tensor) -> Tensor:
    """C's output as an action: tanh."""
    return raw.tanh()


EXPERIMENT = Experiment(
    name="doom",
    title="ViZDoom TakeCover",
    settings=DoomSettings,
    action_size=1,
    worlds={"official": official},
    action_space=action_space,
    squash=squash,
    explorers={
        "held": lambda random: Held(random, [-1], [1], longest=10),
        "wandering": lambda random: Wandering(random, [-1], [1], longest=10, stretch=150),
        "uniform": lambda random: Held(random, [-1], [1], longest=1),
    },
    random_explorer="uniform",
    max_steps=lambda settings: int(settings.max_episode_steps),
    done_head=True,
    idle_reward=None,
    threaded_worlds=frozenset(),
    frames_per_s=35,
    usual_steps=300,
    frame_bytes=5000,
    solved=750,
    scores=(
        Score("World Models, dream at tau 1.15", 1092, 556, "Ha & Schmidhuber 2018"),
        Score("World Models, dream at tau 1.00", 868, 511, "Ha & Schmidhuber 2018"),
        Score("the original's shipped agent", 973, 540, "its logs"),
        Score("best of the old leaderboard", 820, 58, "Ha & Schmidhuber 2018"),
        Score("random policy", 210, 108, "Ha & Schmidhuber 2018"),
    ),
    learning_curve=LearningCurve(
        name="the original, 64 cores",
        source="in its dream; logs in hardmaru/WorldModelsExperiments",
        points=(
            CurvePoint(150, 815, 94e6, 2.9),  # some 9,000 steps a second
            CurvePoint(1575, 958.5, None, None),  # its best
        ),
    ),
    levers=(Lever("step", plus="right", minus="left"),),
)
