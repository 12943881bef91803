"""The official CarRacing as frames: its rules, its pictures, its reproducibility."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from PIL import Image

from worldmodels.worlds.carracing import make_car_racing

ACTIONS = np.random.default_rng(0).uniform([-1, 0, 0], [1, 1, 0.3], (60, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def env() -> Iterator[gymnasium.Env]:
    env = make_car_racing(render_mode="rgb_array")
    yield env
    env.close()


def drive(env: gymnasium.Env, seed: int, count: int = len(ACTIONS)) -> list[tuple[bytes, float]]:
    seen = [(env.reset(seed=seed)[0].tobytes(), 0.0)]
    for action in ACTIONS[:count]:
        frame, reward, *_ = env.step(action)
        seen.append((frame.tobytes(), float(reward)))
    return seen


def test_gymnasium_accepts_the_environment(env: gymnasium.Env) -> None:
    with warnings.catch_warnings():
        # The checker asks for a bare, registered environment: the frames are a wrapper.
        warnings.filterwarnings("ignore", message=".*(different from the unwrapped|spec).*")
        check_env(env, skip_render_check=True)


def test_a_seed_gives_the_same_episode_in_a_fresh_and_in_a_used_environment(
    env: gymnasium.Env,
) -> None:
    drive(env, seed=1, count=10)
    fresh = make_car_racing()
    assert drive(env, seed=3) == drive(fresh, seed=3)
    fresh.close()


def test_different_seeds_give_different_tracks(env: gymnasium.Env) -> None:
    assert len({env.reset(seed=seed)[0].tobytes() for seed in range(4)}) == 4


def test_a_frame_is_the_road_part_of_the_official_observation_resized(env: gymnasium.Env) -> None:
    env.reset(seed=0)
    for action in ACTIONS[:5]:
        frame, *_ = env.step(action)
        official = env.unwrapped.state  # type: ignore[attr-defined]
        assert official.shape == (96, 96, 3)
        road = Image.fromarray(official[:84])
        expected = np.asarray(road.resize((64, 64), Image.Resampling.BILINEAR))
        np.testing.assert_array_equal(frame, expected)


def test_the_spaces_are_frames_and_the_official_actions(env: gymnasium.Env) -> None:
    assert env.observation_space == gymnasium.spaces.Box(0, 255, (64, 64, 3), np.uint8)
    official = gymnasium.spaces.Box(
        np.array([-1, 0, 0], np.float32), np.array([1, 1, 1], np.float32)
    )
    assert env.action_space == official


def test_a_step_costs_a_tenth(env: gymnasium.Env) -> None:
    env.reset(seed=0)
    env.step(np.zeros(3, np.float32))  # the tiles under the car count at once
    assert env.step(np.zeros(3, np.float32))[1] == pytest.approx(-0.1)


def test_time_out_truncates_after_exactly_the_given_number_of_steps() -> None:
    env = make_car_racing(max_episode_steps=4)
    env.reset(seed=0)
    ends = [env.step(action)[2:4] for action in ACTIONS[:4]]
    env.close()
    assert ends == [(False, False)] * 3 + [(False, True)]


def test_the_share_of_tiles_that_makes_a_lap_reaches_the_game() -> None:
    env = make_car_racing(lap_complete_percent=0.5)
    assert env.unwrapped.lap_complete_percent == 0.5  # type: ignore[attr-defined]


def test_the_official_picture_can_be_rendered(env: gymnasium.Env) -> None:
    env.reset(seed=0)
    picture = env.render()
    assert isinstance(picture, np.ndarray)
    assert picture.shape == (400, 600, 3)
    assert picture.std() > 10


def test_the_environment_draws_without_a_display_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import os

    monkeypatch.delenv("SDL_VIDEODRIVER")
    make_car_racing()
    assert os.environ["SDL_VIDEODRIVER"] == "dummy"
