"""Two worlds driven with the same actions, to see where they differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from worldmodels.data.drives import Drive
from worldmodels.data.explorers import ExplorerPolicy
from worldmodels.evolution.rollout import Policy
from worldmodels.experiment import OFFICIAL, WorldRequest, find_experiment
from worldmodels.worlds.world import World

LATER_MOMENTS = 4  # frames kept of an episode after its first second


@dataclass(frozen=True)
class DriveJob:
    """Driving the official world and another one with the same actions, a seed a call."""

    experiment: str
    settings: Any  # the game's
    world: str  # the other one's kind
    explorer: str
    max_steps: int  # 0: no limit but the game's

    @property
    def has_networks(self) -> bool:
        """None: only the game is played."""
        return False

    def open(self, device: Any) -> Callable[[int], Drive]:
        """Start both worlds; the function drives them through the episode of a seed."""
        experiment = find_experiment(self.experiment)
        make = experiment.find_explorer(self.explorer)
        official, other = (
            experiment.make_world(WorldRequest(kind, 1, self.settings))
            for kind in (OFFICIAL, self.world)
        )
        policy = ExplorerPolicy(make, 1, experiment.action_size)
        most = self.max_steps or experiment.max_steps(self.settings)
        return lambda seed: drive(official, other, policy, seed, most, experiment.frames_per_s)


def drive(
    official: World, other: World, policy: Policy, seed: int, most: int, frames_per_s: int
) -> Drive:
    """Play the episode of `seed` in both worlds, of one slot each, for `most` steps at the most.

    The policy sees the official frames; its actions go to both worlds until both have ended.
    """
    lanes = [_Lane(world, seed) for world in (official, other)]
    policy.begin(np.zeros(1, np.int64), np.array([seed]), np.zeros(1, np.int64))
    for _ in range(most):
        action = policy.act(lanes[0].frames[-1][np.newaxis])
        for lane in lanes:
            lane.step(action)
        if all(lane.has_ended for lane in lanes):
            break
    steps = min(len(lane.rewards) for lane in lanes)
    pairs = zip(lanes[0].frames, lanes[1].frames, strict=False)
    pixel_error = np.array([np.abs(np.subtract(a, b, dtype=np.float64)).mean() for a, b in pairs])
    shown = [*_moments(steps, frames_per_s), int(pixel_error.argmax())]
    return Drive(
        pixel_error=pixel_error,
        reward=np.array([lane.rewards[:steps] for lane in lanes]),
        drift=_drift(lanes, steps),
        length=np.array([len(lane.rewards) for lane in lanes]),
        terminated=np.array([lane.terminated for lane in lanes]),
        truncated=np.array([lane.truncated for lane in lanes]),
        shown=np.array(shown),
        frame=np.array([[lane.frames[step] for step in shown] for lane in lanes]),
        seed=seed,
    )


class _Lane:
    """What happens in one of the two worlds."""

    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        observation, _ = world.reset(seed=[seed])
        self.frames: list[np.ndarray] = [observation[0]]
        self.physics = [world.physics()]
        self.rewards: list[float] = []
        self.terminated = self.truncated = False

    @property
    def has_ended(self) -> bool:
        return self.terminated or self.truncated

    def step(self, action: np.ndarray) -> None:
        """Go on, unless the episode is over."""
        if self.has_ended:
            return
        observation, reward, terminated, truncated, _ = self._world.step(action)
        self.frames.append(observation[0])
        self.physics.append(self._world.physics())
        self.rewards.append(float(reward[0]))
        self.terminated, self.truncated = bool(terminated[0]), bool(truncated[0])


def _drift(lanes: list[_Lane], steps: int) -> dict[str, Float[np.ndarray, " frames"]]:
    """How far the worlds are apart in each quantity that both can tell, from the reset on."""
    first, second = (lane.physics[: steps + 1] for lane in lanes)
    return {
        name: np.array(
            [
                np.linalg.norm(np.subtract(a[name][0], b[name][0], dtype=np.float64))
                for a, b in zip(first, second, strict=True)
            ]
        )
        for name in first[0]
        if name in second[0]
    }


def _moments(steps: int, frames_per_s: int) -> list[int]:
    """Steps to show of an episode: of its first second, and evenly from there to its end."""
    first = min(frames_per_s, steps)
    later = np.linspace(first, steps, LATER_MOMENTS).astype(int).tolist()
    return [*sorted({0, first // 4, first // 2}), *sorted(set(later))]
