"""CarRacing-v3 without Box2D or pygame: many cars at once, official physics, 64x64 frames."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from typing import Any

import gymnasium
import numpy as np
from gymnasium.utils.seeding import np_random
from gymnasium.vector import AutoresetMode
from jaxtyping import Float, Float32, Int

from worldmodels.worlds.fastcar.cars import (
    judge_cars,
    make_cars,
    move_cars,
    put_on_track,
    with_room,
)
from worldmodels.worlds.fastcar.constants import FPS
from worldmodels.worlds.fastcar.raster import Scratch, draw_frames, make_scratch
from worldmodels.worlds.fastcar.track import make_track
from worldmodels.worlds.frames import FRAME_SIZE
from worldmodels.worlds.world import Step, World

RENDER_SCALE = 8  # a rendered picture's pixels a frame's pixel


class FastCarWorld(World):
    """The official game's tracks, physics and rewards, bit for bit; its frames, nearly.

    `threads` share the cars out among themselves; what they compute does not depend on how many
    there are.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": FPS}  # noqa: RUF012

    def __init__(
        self,
        num_envs: int = 1,
        max_episode_steps: int = 1000,
        lap_complete_percent: float = 0.95,
        threads: int = 1,
        render_mode: str | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
    ) -> None:
        if threads < 1:
            raise ValueError(f"there must be a thread at least, not {threads}")
        if not isinstance(max_episode_steps, int) or max_episode_steps < 1:
            raise ValueError(f"max_episode_steps must be a count, not {max_episode_steps!r}")
        if not lap_complete_percent <= 1:  # nor a NaN
            raise ValueError(
                f"lap_complete_percent is a share of the tiles, at most 1, not "
                f"{lap_complete_percent}"
            )
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ValueError(f"render_mode must be rgb_array or None, not {render_mode!r}")
        actions = gymnasium.spaces.Box(
            np.array([-1, 0, 0], np.float32), np.array([1, 1, 1], np.float32), dtype=np.float32
        )
        frames = gymnasium.spaces.Box(0, 255, (FRAME_SIZE, FRAME_SIZE, 3), np.uint8)
        super().__init__(num_envs, frames, actions, autoreset_mode)
        self.render_mode = render_mode
        self._max_episode_steps = max_episode_steps
        self._lap_percent = lap_complete_percent
        self.cars = make_cars(num_envs)
        self._randoms: list[np.random.Generator | None] = [None] * num_envs
        self._steps = np.zeros(num_envs, np.int64)
        self._frames = np.zeros((num_envs, FRAME_SIZE, FRAME_SIZE, 3), np.uint8)
        self._scratch = [make_scratch() for _ in range(max(1, threads))]
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None

    def _start(self, index: Int[np.ndarray, " N"], seeds: Sequence[int | None]) -> None:
        for w, seed in zip(index.tolist(), seeds, strict=True):
            random = self._randoms[w]
            # Without a seed the next track comes from the same generator, as in the official game.
            if seed is not None or random is None:
                random = np_random(seed)[0]
            self._randoms[w] = random
            track = make_track(random)
            self.cars = with_room(self.cars, len(track.points))
            put_on_track(self.cars, w, track)
        self._steps[index] = 0
        self._move(index, np.zeros((self.num_envs, 3), np.float32))

    def _advance(self, index: Int[np.ndarray, " N"], actions: Float[np.ndarray, "W A"]) -> Step:
        self._move(index, np.ascontiguousarray(actions, dtype=np.float32))
        reward = np.zeros(self.num_envs)
        terminated = np.zeros(self.num_envs, np.bool_)
        judge_cars(self.cars, index, reward, terminated)
        self._steps[index] += 1
        truncated = self._steps[index] >= self._max_episode_steps
        return Step(reward[index], terminated[index], truncated)

    def _move(self, index: Int[np.ndarray, " N"], actions: Float32[np.ndarray, "W 3"]) -> None:
        """Move the cars in `index` on and draw them, a part of them in every thread."""
        if self._pool is None:
            self._move_part(index, self._scratch[0], actions)
        else:
            parts = np.array_split(index, len(self._scratch))
            list(self._pool.map(self._move_part, parts, self._scratch, repeat(actions)))

    def _move_part(
        self, index: Int[np.ndarray, " n"], scratch: Scratch, actions: Float32[np.ndarray, "W 3"]
    ) -> None:
        move_cars(self.cars, index, actions, self._lap_percent)
        draw_frames(self.cars, index, scratch, self._frames)

    def _observe(self) -> np.ndarray:
        return self._frames.copy()

    def physics(self) -> dict[str, Float[np.ndarray, "W ..."]]:
        """Centre of mass and angle of every hull."""
        hull = self.cars.bodies[:, 0]
        return {"hull_centre_m": hull[:, :2].copy(), "hull_angle_rad": hull[:, 2:3].copy()}

    def render(self) -> tuple[Any, ...]:
        """The frame of every world, enlarged to 512x512; None for one that has not started."""
        return tuple(
            frame.repeat(RENDER_SCALE, axis=0).repeat(RENDER_SCALE, axis=1) if started else None
            for frame, started in zip(self._frames, self._started, strict=True)
        )

    def close_extras(self, **kwargs: Any) -> None:
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown()
