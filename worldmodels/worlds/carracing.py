"""The official CarRacing-v3 as 64x64 frames."""

from __future__ import annotations

import os
from typing import Any

import gymnasium
import numpy as np
from gymnasium.wrappers import TimeLimit
from jaxtyping import Float32, UInt8

from worldmodels.worlds.frames import FRAME_SIZE, to_frame

VIEW_ROWS = 84  # of 96: below them lies the bar with the dials


class RoadFrames(gymnasium.ObservationWrapper):
    """Shows rows 0 to 83 of the 96x96 observation, resized to 64x64."""

    def __init__(self, env: gymnasium.Env) -> None:
        super().__init__(env)
        self.observation_space = gymnasium.spaces.Box(0, 255, (FRAME_SIZE, FRAME_SIZE, 3), np.uint8)

    def observation(
        self, observation: UInt8[np.ndarray, "96 96 3"]
    ) -> UInt8[np.ndarray, "64 64 3"]:
        """The frame that an agent sees."""
        return to_frame(observation[:VIEW_ROWS])

    def physics(self) -> dict[str, Float32[np.ndarray, " N"]]:
        """Centre of mass and angle of the hull, as Box2D has them."""
        game: Any = self.unwrapped
        hull = game.car.hull
        return {
            "hull_centre_m": np.array(hull.worldCenter, np.float32),
            "hull_angle_rad": np.array([hull.angle], np.float32),
        }


def make_car_racing(
    render_mode: str | None = None,
    max_episode_steps: int = 1000,
    lap_complete_percent: float = 0.95,
) -> gymnasium.Env:
    """The official game with its default rules; `rgb_array` renders its 600x400 picture.

    No display is needed: unless a window is asked for, SDL draws into memory.
    """
    if render_mode != "human":
        os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    from gymnasium.envs.box2d.car_racing import CarRacing

    env: Any = CarRacing(render_mode=render_mode, lap_complete_percent=lap_complete_percent)
    return RoadFrames(TimeLimit(env, max_episode_steps))
