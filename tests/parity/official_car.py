"""The official CarRacing beside the fast one, driven with the same actions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from worldmodels.worlds.fastcar.env import FastCarWorld

Policy = Callable[[int, Any], np.ndarray]  # of the step and the official game
LIMIT = 1000


def make_blind(lap_complete_percent: float = 0.95) -> Any:
    """An official CarRacing whose steps draw nothing: pictures are 97 % of its time."""
    from gymnasium.envs.box2d.car_racing import CarRacing

    class Blind(CarRacing):
        def _render(self, mode: str) -> None:
            return None

    return Blind(lap_complete_percent=lap_complete_percent)


def official_bodies(env: Any) -> np.ndarray:
    """(5, 6) float32 of hull and wheels: centre of mass x, y, angle, velocity x, y, angular."""
    rows = []
    for body in [env.car.hull, *env.car.wheels]:
        c, v = body.worldCenter, body.linearVelocity
        rows.append([c[0], c[1], body.angle, v[0], v[1], body.angularVelocity])
    return np.array(rows, dtype=np.float32)


def official_wheels(env: Any) -> np.ndarray:
    """(4, 3) gas, angular velocity and angle of the wheels."""
    return np.array([[wheel.gas, wheel.omega, wheel.phase] for wheel in env.car.wheels])


def rough(seed: int) -> Policy:
    """Actions held for random times: full lock, full gas, hard braking, long pauses."""
    random = np.random.default_rng(seed)
    actions: list[np.ndarray] = []
    while len(actions) < LIMIT:
        steer = random.choice([-1, 1, 0, random.uniform(-1, 1), random.uniform(-0.3, 0.3)])
        gas = random.choice([0, 1, random.uniform()])
        brake = random.choice([0, 0, 0, 1, random.uniform()])
        pause = random.integers(5) == 0
        action = np.array([0, 0, 0] if pause else [steer, gas, brake], np.float32)
        actions += [action] * int(random.integers(1, 90 if pause else 60))
    return lambda step, env: actions[step]


def pilot(step: int, env: Any) -> np.ndarray:
    """Follow the road at about 55 m/s: many laps are completed in time."""
    hull, track = env.car.hull, np.array(env.track)
    here = np.array(hull.position)
    nearest = np.argmin(((track[:, 2:] - here) ** 2).sum(axis=1))
    ahead = track[(nearest + 4) % len(track), 2:] - here
    error = (np.arctan2(-ahead[0], ahead[1]) - hull.angle + np.pi) % (2 * np.pi) - np.pi
    speed = np.hypot(*hull.linearVelocity)
    steer = -np.clip(1.5 * error, -1, 1)
    return np.array([steer, 0.5 * (speed < 50), 0.3 * (speed > 60)], np.float32)


def straight_on(step: int, env: Any) -> np.ndarray:
    """Full gas until the playfield ends."""
    return np.array([0.0, 0.6, 0], np.float32)


def standing(step: int, env: Any) -> np.ndarray:
    """Nothing, until Box2D puts the car to sleep, and on."""
    return np.zeros(3, np.float32)


@dataclass(frozen=True)
class Moment:
    """One step of both games."""

    official: Any  # the game itself
    fast: Any  # the state of the fast one's cars; car 0 is played
    official_outcome: tuple[float, bool] | None  # reward, terminated; None after the reset
    fast_outcome: tuple[float, bool] | None


def drive(seed: int, policy: Policy, steps: int = LIMIT, lap: float = 0.95) -> Iterator[Moment]:
    """Both games from the reset on, until the official one ends."""
    env = make_blind(lap)
    world = FastCarWorld(1, max_episode_steps=LIMIT, lap_complete_percent=lap)
    env.reset(seed=seed)
    world.reset(seed=[seed])
    yield Moment(env, world.cars, None, None)
    for step in range(steps):
        action = policy(step, env)
        _, official_reward, ended, _, _ = env.step(action)
        _, reward, terminated, _, _ = world.step(action[None])
        outcome = float(official_reward), bool(ended)
        yield Moment(env, world.cars, outcome, (float(reward[0]), bool(terminated[0])))
        if ended:
            break
