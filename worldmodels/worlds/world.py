"""A batch of episodes as a Gymnasium VectorEnv in which every episode has a seed of its own."""

from __future__ import annotations

import operator
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from jaxtyping import Bool, Float, Int


@dataclass(frozen=True)
class Step:
    """What a step brought to those of the worlds that took it."""

    reward: Float[np.ndarray, " N"]
    terminated: Bool[np.ndarray, " N"]
    truncated: Bool[np.ndarray, " N"]


class World(VectorEnv):
    """Base of all worlds: seeds, autoreset and idling; a subclass plays the game.

    Two autoreset modes are supported. NEXT_STEP, the default, is Gymnasium's. In DISABLED mode
    the caller restarts finished worlds through `reset(options={"reset_mask": ...})`, Gymnasium's
    own convention; until then a finished world, or one not started yet, stands still: its
    observation stays, its reward is 0, and it costs no time.
    """

    def __init__(
        self,
        num_envs: int,
        observation_space: gymnasium.Space,
        action_space: gymnasium.Space,
        autoreset_mode: AutoresetMode | str,
    ) -> None:
        if num_envs < 1:
            raise ValueError(f"there must be a world at least, not {num_envs}")
        mode = AutoresetMode(autoreset_mode)
        if mode is AutoresetMode.SAME_STEP:
            raise ValueError("worlds support the autoreset modes NextStep and Disabled only")
        self.num_envs = num_envs
        self.single_observation_space = observation_space
        self.single_action_space = action_space
        self.observation_space = batch_space(observation_space, num_envs)
        self.action_space = batch_space(action_space, num_envs)
        self.metadata = {**self.metadata, "autoreset_mode": mode}
        self._autoreset = mode is AutoresetMode.NEXT_STEP
        self._standing = np.ones(num_envs, dtype=np.bool_)  # finished or never started
        self._started = np.zeros(num_envs, dtype=np.bool_)

    @abstractmethod
    def _start(self, index: Int[np.ndarray, " N"], seeds: Sequence[int | None]) -> None:
        """Start new episodes in the worlds at `index`; a seed of None draws a fresh one."""

    @abstractmethod
    def _advance(self, index: Int[np.ndarray, " N"], actions: Float[np.ndarray, "W A"]) -> Step:
        """Move the worlds at `index` on by one step; `actions` has a row for every world."""

    @abstractmethod
    def _observe(self) -> np.ndarray:
        """The observations of all worlds, as an array that the caller may keep."""

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | np.ndarray | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Start episodes in all worlds, or in those of `options["reset_mask"]` (bool, W).

        `seed` is one seed a world, or one number from which world i gets seed + i.
        """
        mask = np.ones(self.num_envs, dtype=np.bool_)
        if options and "reset_mask" in options:
            mask = np.asarray(options["reset_mask"], dtype=np.bool_)
        if isinstance(seed, int | np.integer):
            super().reset(seed=int(seed))
            seed = [int(seed) + i for i in range(self.num_envs)]
        seeds: Sequence[int | None] = [None] * self.num_envs
        if seed is not None:
            try:
                seeds = [None if one is None else operator.index(one) for one in seed]
            except TypeError as error:
                raise ValueError(
                    f"seed must be a whole number, or one for each world, not {seed!r}"
                ) from error
        if len(seeds) != self.num_envs or mask.shape != (self.num_envs,):
            raise ValueError(
                f"seeds and reset_mask must have one entry for each of {self.num_envs} worlds"
            )
        index = mask.nonzero()[0]
        self._start(index, [seeds[i] for i in index.tolist()])
        self._standing[index] = False
        self._started[index] = True
        return self._observe(), {}

    def step(
        self, actions: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """One step of every running world: observation, reward, terminated, truncated, info.

        Raises ValueError for actions of another shape than W x A, or that are not numbers.
        """
        if not self._started.any():
            raise gymnasium.error.ResetNeeded("call reset before step")
        actions = np.asarray(actions, dtype=np.float32)
        if actions.shape != self.action_space.shape:
            raise ValueError(
                f"actions must have the shape {self.action_space.shape}, a row for each world, "
                f"not {actions.shape}"
            )
        if np.isnan(actions).any():
            raise ValueError("actions must be numbers, but there is a NaN among them")
        reward = np.zeros(self.num_envs)
        terminated = np.zeros(self.num_envs, dtype=np.bool_)
        truncated = np.zeros(self.num_envs, dtype=np.bool_)
        finished = (self._standing & self._started).nonzero()[0]
        running = (~self._standing).nonzero()[0]
        if running.size:
            step = self._advance(running, actions)
            reward[running] = step.reward
            terminated[running] = step.terminated
            truncated[running] = step.truncated
        if self._autoreset and finished.size:
            self._start(finished, [None] * len(finished))
            self._standing[finished] = False
        self._standing |= terminated | truncated
        return self._observe(), reward, terminated, truncated, {}

    def physics(self) -> dict[str, Float[np.ndarray, "W ..."]]:
        """Where the game's bodies are, in all worlds, which must have been started.

        A quantity's name ends in its unit: hull_centre_m. Worlds of a game that tell the same
        quantities can be compared by them; a world that cannot tell gives none.
        """
        return {}

    def park(self, mask: Bool[np.ndarray, " W"]) -> None:
        """Let the worlds in `mask` stand still until their next reset."""
        self._standing |= mask


class GameWorld(World):
    """Single Gymnasium environments, stepped one after the other in this process."""

    def __init__(
        self,
        envs: Sequence[gymnasium.Env],
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
    ) -> None:
        """`envs` are equal copies of one environment with frames as observations."""
        first = envs[0]
        super().__init__(len(envs), first.observation_space, first.action_space, autoreset_mode)
        self.envs = list(envs)
        self.render_mode = first.render_mode
        shape, kind = first.observation_space.shape, first.observation_space.dtype
        assert shape is not None
        self._observation = np.zeros((len(envs), *shape), dtype=kind)

    def _start(self, index: Int[np.ndarray, " N"], seeds: Sequence[int | None]) -> None:
        for i, seed in zip(index, seeds, strict=True):
            self._observation[i], _ = self.envs[i].reset(seed=seed)

    def _advance(self, index: Int[np.ndarray, " N"], actions: Float[np.ndarray, "W A"]) -> Step:
        reward = np.zeros(len(index))
        terminated = np.zeros(len(index), dtype=np.bool_)
        truncated = np.zeros(len(index), dtype=np.bool_)
        for row, i in enumerate(index):
            outcome = self.envs[i].step(actions[i])
            self._observation[i], reward[row], terminated[row], truncated[row], _ = outcome
        return Step(reward, terminated, truncated)

    def _observe(self) -> np.ndarray:
        return self._observation.copy()

    def physics(self) -> dict[str, Float[np.ndarray, "W ..."]]:
        """What the environments tell, each by a method `physics` of its own, if they have one."""
        if not self.envs[0].has_wrapper_attr("physics"):
            return {}
        told = [env.get_wrapper_attr("physics")() for env in self.envs]
        return {name: np.stack([one[name] for one in told]) for name in told[0]}

    def render(self) -> tuple[Any, ...]:
        """The official picture of every world; None for one that has not started."""
        return tuple(
            env.render() if started else None
            for env, started in zip(self.envs, self._started, strict=True)
        )

    def close_extras(self, **kwargs: Any) -> None:
        """End every game."""
        for env in self.envs:
            env.close()
