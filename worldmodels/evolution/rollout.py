"""Playing episodes side by side: the one loop that searches, scores, records and films."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Int

from worldmodels.worlds.world import World


@dataclass(frozen=True)
class Task:
    """An episode to play."""

    seed: int
    candidate: int = 0  # row of the policy's parameters


@dataclass(frozen=True)
class Outcome:
    """An episode that was played."""

    seed: int
    candidate: int
    total: float  # the return: sum of rewards
    length: int  # steps
    terminated: bool  # ended by the game's rules
    truncated: bool  # out of time, or stopped by the limits


@dataclass(frozen=True)
class Limits:
    """When to stop an episode before the game does."""

    max_steps: int = 0  # 0: no limit
    patience: int = 0  # stop after this many steps without reward; 0: never
    idle_reward: float = 0.0  # charged for each step that `patience` cut off ...
    full_length: int = 0  # ... up to this length


@runtime_checkable
class Policy(Protocol):
    """Chooses actions for W episodes at a time."""

    def begin(
        self,
        slots: Int[np.ndarray, " N"],
        seeds: Int[np.ndarray, " N"],
        candidates: Int[np.ndarray, " N"],
    ) -> None:
        """New episodes start in `slots`."""

    def act(
        self, observations: np.ndarray, running: Int[np.ndarray, " N"] | None = None
    ) -> np.ndarray:
        """Actions (W, A) for the observations of all W worlds; those of `running` will be used."""


class Observer:
    """Is shown everything that happens, to record or to film it."""

    def started(self, number: int, slot: int, observation: np.ndarray) -> None:
        """Task `number` began in `slot`."""

    def stepped(
        self,
        number: int,
        slot: int,
        action: np.ndarray,
        reward: float,
        observation: np.ndarray,
    ) -> None:
        """Task `number` took a step."""

    def ended(self, number: int, outcome: Outcome) -> None:
        """Task `number` is over; it is shown nothing more of it."""


def play(
    world: World,
    policy: Policy,
    tasks: Sequence[Task],
    limits: Limits,
    observer: Observer | None = None,
) -> list[Outcome]:
    """Play every task once and return the outcomes in the order of the tasks.

    A slot whose episode ends takes the next task at once, so that batches stay full; `world`
    must be in DISABLED autoreset mode.
    """
    return _Rollout(world, policy, tasks, limits, observer).run()


class _Rollout:
    """The state of `play`."""

    def __init__(
        self,
        world: World,
        policy: Policy,
        tasks: Sequence[Task],
        limits: Limits,
        observer: Observer | None,
    ) -> None:
        width = world.num_envs
        self.world, self.policy, self.tasks = world, policy, tasks
        self.limits, self.observer = limits, observer
        self.outcomes: list[Outcome | None] = [None] * len(tasks)
        self.next_task = 0
        self.task = np.full(width, -1)  # what each slot plays; -1: nothing
        self.total = np.zeros(width)
        self.length = np.zeros(width, np.int64)
        self.idle = np.zeros(width, np.int64)  # steps since the last reward

    def run(self) -> list[Outcome]:
        self.world.park(np.ones(self.world.num_envs, np.bool_))
        observation = self._fill(np.ones(self.world.num_envs, np.bool_))
        while observation is not None and (self.task >= 0).any():
            playing = self.task >= 0
            action = self.policy.act(observation, playing.nonzero()[0])
            observation, reward, terminated, truncated, _ = self.world.step(action)
            self.total += np.where(playing, reward, 0)
            self.length += playing
            self.idle = np.where(reward > 0, 0, self.idle + 1)
            if self.observer is not None:
                for slot in playing.nonzero()[0].tolist():
                    self.observer.stepped(
                        int(self.task[slot]), slot, action[slot], reward[slot], observation[slot]
                    )
            ended = self._finish(playing, terminated, truncated)
            if ended.any():
                started = self._fill(ended)
                observation = observation if started is None else started
        return [outcome for outcome in self.outcomes if outcome is not None]

    def _finish(
        self,
        playing: Bool[np.ndarray, " W"],
        terminated: Bool[np.ndarray, " W"],
        truncated: Bool[np.ndarray, " W"],
    ) -> Bool[np.ndarray, " W"]:
        """Write down the episodes that have ended and free their slots."""
        limits = self.limits
        over = terminated | truncated
        hopeless = (self.idle >= limits.patience) & ~over & (limits.patience > 0)
        late = (self.length >= limits.max_steps) & (limits.max_steps > 0)
        ended: Bool[np.ndarray, " W"] = playing & (over | hopeless | late)
        for slot in ended.nonzero()[0]:
            total, task = float(self.total[slot]), self.tasks[self.task[slot]]
            if hopeless[slot]:
                total += limits.idle_reward * max(limits.full_length - int(self.length[slot]), 0)
            outcome = Outcome(
                seed=task.seed,
                candidate=task.candidate,
                total=total,
                length=int(self.length[slot]),
                terminated=bool(terminated[slot]),
                truncated=not terminated[slot],
            )
            self.outcomes[self.task[slot]] = outcome
            if self.observer is not None:
                self.observer.ended(int(self.task[slot]), outcome)
        self.task[ended] = -1
        self.world.park(ended)
        return ended

    def _fill(self, free: Bool[np.ndarray, " W"]) -> np.ndarray | None:
        """Start the next tasks in free slots; the new observations, or None if none started."""
        slots = free.nonzero()[0][: len(self.tasks) - self.next_task]
        if not slots.size:
            return None
        numbers = np.arange(self.next_task, self.next_task + len(slots))
        self.next_task += len(slots)
        tasks = self.tasks[numbers[0] : numbers[-1] + 1]
        seeds: list[int | None] = [None] * self.world.num_envs
        for slot, task in zip(slots, tasks, strict=True):
            seeds[slot] = task.seed
        mask = np.zeros(self.world.num_envs, np.bool_)
        mask[slots] = True
        observation, _ = self.world.reset(seed=seeds, options={"reset_mask": mask})
        self.policy.begin(
            slots,
            np.array([task.seed for task in tasks], np.int64),
            np.array([task.candidate for task in tasks], np.int64),
        )
        self.task[slots] = numbers
        self.total[slots] = 0
        self.length[slots] = 0
        self.idle[slots] = 0
        if self.observer is not None:
            for number, slot in zip(numbers.tolist(), slots.tolist(), strict=True):
                self.observer.started(number, slot, observation[slot])
        return observation
