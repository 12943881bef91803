"""The fast car as a world: batches, threads, restarts, pictures."""

from __future__ import annotations

import subprocess
import sys

import gymnasium
import numpy as np
import pytest

import worldmodels
from worldmodels.experiment import WorldRequest, find_experiment
from worldmodels.experiments.carracing import CarSettings
from worldmodels.worlds.carracing import make_car_racing
from worldmodels.worlds.fastcar.cars import make_cars, put_on_track, with_room
from worldmodels.worlds.fastcar.env import FastCarWorld
from worldmodels.worlds.fastcar.track import make_track
from worldmodels.worlds.world import GameWorld

W = 5
STEPS = 40
ACTIONS = np.random.default_rng(0).uniform([-1, 0, 0], [1, 1, 0.3], (STEPS, W, 3))
ACTIONS = ACTIONS.astype(np.float32)


def play(world: FastCarWorld) -> list[np.ndarray]:
    seen = [world.reset(seed=list(range(W)))[0]]
    rewards = []
    for action in ACTIONS:
        frame, reward, *_ = world.step(action)
        seen.append(frame)
        rewards.append(reward)
    return [np.stack(seen), np.stack(rewards)]


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_number_of_threads_changes_nothing() -> None:
    alone, shared = FastCarWorld(W), FastCarWorld(W, threads=3)
    for one, other in zip(play(alone), play(shared), strict=True):
        np.testing.assert_array_equal(one, other)
    shared.close()


def test_a_car_does_not_depend_on_its_neighbours() -> None:
    frames, rewards = play(FastCarWorld(W))
    world = FastCarWorld(1)
    world.reset(seed=[3])
    for step, action in enumerate(ACTIONS):
        frame, reward, *_ = world.step(action[3:4])
        np.testing.assert_array_equal(frame[0], frames[step + 1, 3])
        assert reward[0] == rewards[step, 3]


def test_episodes_that_follow_without_a_seed_are_the_official_ones() -> None:
    official = GameWorld([make_car_racing(max_episode_steps=3)])
    fast = FastCarWorld(1, max_episode_steps=3)
    official.reset(seed=[4])
    fast.reset(seed=[4])
    for action in ACTIONS[:9, :1]:
        _, reward, terminated, truncated, _ = official.step(action)
        _, fast_reward, fast_terminated, fast_truncated, _ = fast.step(action)
        assert (reward, terminated, truncated) == (fast_reward, fast_terminated, fast_truncated)
    official.close()


def test_the_spaces_are_those_of_the_official_game_as_frames() -> None:
    env = make_car_racing()
    fast = FastCarWorld(2)
    assert fast.single_observation_space == env.observation_space
    assert fast.single_action_space == env.action_space
    env.close()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("num_envs", 0),
        ("threads", 0),
        ("max_episode_steps", 0),
        ("lap_complete_percent", 95),
        ("lap_complete_percent", float("nan")),
        ("render_mode", "human"),
    ],
)
def test_an_argument_without_a_meaning_is_refused(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"not {value!r}"):
        FastCarWorld(**{name: value})


def test_the_physics_it_tells_is_the_official_one() -> None:
    official = GameWorld([make_car_racing() for _ in range(2)])
    fast = FastCarWorld(2)
    for world in (official, fast):
        world.reset(seed=[3, 4])
        for action in ACTIONS[:9, :2]:
            world.step(action)
    told = fast.physics()
    assert list(told) == list(official.physics()) == ["hull_centre_m", "hull_angle_rad"]
    for name, quantity in official.physics().items():
        np.testing.assert_array_equal(told[name], quantity)
    official.close()


def test_gymnasium_makes_the_registered_world() -> None:
    assert worldmodels.__version__
    world = gymnasium.make_vec("worldmodels/FastCarRacing-v0", num_envs=2, max_episode_steps=7)
    frame, _ = world.reset(seed=[1, 2])
    assert frame.shape == (2, 64, 64, 3)
    ends = [world.step(action[:2])[3].all() for action in ACTIONS[:7]]
    assert ends == [False] * 6 + [True]
    world.close()


def test_the_experiment_offers_it_with_its_settings() -> None:
    request = WorldRequest("fast", 3, CarSettings(max_episode_steps=2, lap_complete_percent=0.9))
    world = find_experiment("carracing").make_world(request)
    assert isinstance(world, FastCarWorld)
    world.reset(seed=0)
    assert not world.step(ACTIONS[0, :3])[3].any()
    assert world.step(ACTIONS[1, :3])[3].all()


def test_a_rendered_picture_is_the_frame_enlarged() -> None:
    world = FastCarWorld(2, render_mode="rgb_array")
    frame, _ = world.reset(seed=0, options={"reset_mask": np.array([True, False])})
    picture, nothing = world.render()
    assert nothing is None
    assert picture is not None
    np.testing.assert_array_equal(picture[::8, ::8], frame[0])
    assert picture.shape == (512, 512, 3)


def test_a_track_that_is_longer_than_usual_finds_room() -> None:
    tracks = [make_track(np.random.default_rng(seed)) for seed in range(2)]
    cars = make_cars(2, N=10)
    for w, track in enumerate(tracks):
        cars = with_room(cars, len(track.points))
        put_on_track(cars, w, track)
    for w, track in enumerate(tracks):
        N = len(track.points)
        np.testing.assert_array_equal(cars.shapes[w, :N], track.shapes)
        assert cars.tiles[w] == N


def test_borders_are_anticlockwise_on_both_sides_of_the_road() -> None:
    """The kernels that draw would leave out the others."""
    track = make_track(np.random.default_rng(0))
    cars = with_room(make_cars(1), len(track.points))
    put_on_track(cars, 0, track)

    def areas(borders: np.ndarray) -> np.ndarray:
        x, y = np.moveaxis(borders[track.bordered].astype(np.float64), 2, 0)
        return (x * np.roll(y, -1, axis=1) - y * np.roll(x, -1, axis=1)).sum(axis=1)

    assert (areas(track.borders) < 0).any()
    assert (areas(track.borders) > 0).any()
    assert (areas(cars.borders[0, : len(track.points)]) >= 0).all()


def test_neither_box2d_nor_pygame_is_needed() -> None:
    code = """
import sys
sys.modules["Box2D"] = sys.modules["pygame"] = None
import gymnasium, worldmodels
world = gymnasium.make_vec("worldmodels/FastCarRacing-v0", num_envs=1)
world.reset(seed=0)
print(world.step(world.action_space.sample())[0].shape)
"""
    assert run_python(code) == "(1, 64, 64, 3)"


@pytest.mark.parametrize("module", ["worldmodels", "worldmodels.cli"])
def test_numba_is_imported_only_when_a_car_is(module: str) -> None:
    assert run_python(f"import sys, {module}; print('numba' in sys.modules)") == "False"
