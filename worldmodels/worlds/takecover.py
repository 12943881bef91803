"""ViZDoom's TakeCover as a Gymnasium environment, in the settings of the World Models paper."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from worldmodels.worlds.engine_process import EngineProcess
from worldmodels.worlds.frames import FRAME_SIZE, to_frame

if TYPE_CHECKING:
    from vizdoom import DoomGame

MOVE_THRESHOLD = 1 / 3
"""An action beyond plus or minus this moves, a smaller one stays (as in the paper)."""

_RESOLUTION = "RES_160X120"
"""What the engine draws. The paper's 640x480 shows the same at a seventh of the speed."""

_VIEW_ROWS_PX = 100
"""Rows of the 3-D view above the status bar: 400 of the paper's 480."""

_START_TIC = 14
"""The first tic that the player sees, as in the paper's environment (ppaquette/gym-doom)."""

_STAY, _LEFT, _RIGHT = [False, False], [True, False], [False, True]


class TakeCoverEnv(gymnasium.Env[NDArray[np.uint8], NDArray[np.float32]]):
    """Dodge the fireballs of a growing row of monsters: reward 1 for every step (1/35 s).

    Observation: the 3-D view without the status bar, uint8 (64, 64, 3). Action: float32 (1,) in
    [-1, 1]; below -1/3 moves left, above 1/3 moves right, else the player stays. Death terminates
    an episode; `max_episode_steps` steps truncate it. The fatal step is rewarded as well, so
    the return is the number of steps. `info["health"]` is the player's health in percent.

    The engine draws nothing after the last step of an episode, so the last observation repeats
    the one before it, and `render` shows the picture before it.

    The same seed gives the same episode bit for bit, in a fresh environment or a used one.
    `reset` without a seed draws the engine's seed from `np_random`.

    `skill` is Doom's difficulty, 1 to 5. The default is the one at which random play scores what
    the paper prints (210 +- 108); 3 plays the same, and 5, which the paper's environment asks
    for, is far harder (68 +- 23).

    `reset` and `step` raise EngineError if the engine dies; the next `reset` starts a new one.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 35}  # noqa: RUF012

    def __init__(
        self, render_mode: str | None = None, skill: int = 4, max_episode_steps: int = 2100
    ) -> None:
        """Check the arguments; the engine starts at the first `reset` (0.3 s).

        Raises ValueError for an unknown render mode, skill or number of steps, and ImportError if
        ViZDoom is not installed.
        """
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise ValueError(f"render_mode must be None or 'rgb_array', not {render_mode!r}")
        if not 1 <= skill <= 5:
            raise ValueError(f"skill must be 1 to 5, not {skill}")
        if max_episode_steps < 1:
            raise ValueError(f"max_episode_steps must be at least 1, not {max_episode_steps}")
        self.observation_space = spaces.Box(0, 255, (FRAME_SIZE, FRAME_SIZE, 3), np.uint8)
        self.action_space = spaces.Box(-1.0, 1.0, (1,), np.float32)
        self.render_mode = render_mode
        self._skill = skill
        self._max_episode_steps = max_episode_steps
        _import_vizdoom()
        self._engine: EngineProcess | None = None
        self._picture: NDArray[np.uint8] | None = None
        self._is_playing = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        """Start an episode; `options` are ignored."""
        super().reset(seed=seed)
        self._is_playing = False
        if self._engine is None or self._engine.is_closed:
            self._engine = EngineProcess(_take_cover(self._skill, self._max_episode_steps))
        game = self._engine.game
        with self._engine.answering():
            # The engine takes a seed of 0 for "none".
            game.set_seed(int(self.np_random.integers(1, 2**32)))
            game.new_episode()
            observation, info = self._observe(game)
        self._is_playing = True
        return observation, info

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[NDArray[np.uint8], float, bool, bool, dict[str, Any]]:
        """Play one tic. Raises RuntimeError outside an episode."""
        if not self._is_playing or self._engine is None:
            raise RuntimeError("no episode is being played: call reset first")
        self._is_playing = False  # stays so if the engine dies
        game = self._engine.game
        with self._engine.answering():
            reward = game.make_action(_buttons(float(action[0])))
            is_over = game.is_episode_finished()
            terminated = game.is_player_dead()
            observation, info = self._observe(game)
        self._is_playing = not is_over
        return observation, reward, terminated, is_over and not terminated, info

    def render(self) -> NDArray[np.uint8] | None:
        """Return the whole engine screen, uint8 (120, 160, 3); None without a render mode.

        Raises RuntimeError before the first `reset`.
        """
        if self.render_mode is None:
            return None
        if self._picture is None:
            raise RuntimeError("there is nothing to render yet: call reset first")
        return self._picture.copy()

    def close(self) -> None:
        """End the engine; a second call does nothing."""
        self._is_playing = False
        if self._engine is not None:
            self._engine.close()

    def _observe(self, game: DoomGame) -> tuple[NDArray[np.uint8], dict[str, Any]]:
        state = game.get_state()
        if state is not None:
            self._picture = state.screen_buffer
        assert self._picture is not None, "an episode starts with a picture"
        health = game.get_game_variable(_import_vizdoom().GameVariable.HEALTH)
        return to_frame(self._picture[:_VIEW_ROWS_PX]), {"health": health}


def _buttons(action: float) -> list[bool]:
    """Return which of the buttons [left, right] an action holds down."""
    if action < -MOVE_THRESHOLD:
        return _LEFT
    if action > MOVE_THRESHOLD:
        return _RIGHT
    return _STAY


def _import_vizdoom() -> ModuleType:
    """Import ViZDoom, which may be missing: only this game needs it."""
    try:
        import vizdoom
    except ImportError as error:
        raise ImportError("TakeCover needs ViZDoom: pip install vizdoom") from error
    return vizdoom


def _take_cover(skill: int, max_episode_steps: int) -> DoomGame:
    """Return ViZDoom's own scenario with the paper's settings, not started."""
    vizdoom = _import_vizdoom()
    game: DoomGame = vizdoom.DoomGame()
    game.load_config(str(Path(vizdoom.scenarios_path) / "take_cover.cfg"))
    game.set_available_buttons([vizdoom.Button.MOVE_LEFT, vizdoom.Button.MOVE_RIGHT])
    game.set_mode(vizdoom.Mode.PLAYER)
    game.set_window_visible(False)
    game.set_sound_enabled(False)
    game.set_screen_resolution(getattr(vizdoom.ScreenResolution, _RESOLUTION))
    game.set_screen_format(vizdoom.ScreenFormat.RGB24)
    game.set_render_hud(True)
    game.set_render_minimal_hud(False)
    game.set_render_weapon(False)
    game.set_render_crosshair(False)
    game.set_render_decals(False)
    game.set_render_particles(False)
    game.set_doom_skill(skill)
    game.set_living_reward(1)
    game.set_episode_start_time(_START_TIC)
    game.set_episode_timeout(max_episode_steps)  # counted from the start tic
    return game
