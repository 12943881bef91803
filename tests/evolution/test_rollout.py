"""Rollouts: every task once, in full batches, within the limits, with everything shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import gymnasium
import numpy as np
import pytest

from worldmodels.evolution.rollout import Limits, Observer, Outcome, Task, play
from worldmodels.worlds.world import Step, World

Reward = Callable[[int, int], float]


def always_one(seed: int, step: int) -> float:
    return 1.0


def none_after_three(seed: int, step: int) -> float:
    return 1.0 if step <= 3 else -0.1


class Countdown(World):
    """An episode with seed s ends after s steps; even seeds terminate, odd ones are truncated.

    The observation is (seed, step).
    """

    def __init__(self, width: int, reward: Reward = always_one) -> None:
        space = gymnasium.spaces.Box(-np.inf, np.inf, (2,), np.float32)
        super().__init__(width, space, gymnasium.spaces.Box(-9, 9, (1,), np.float32), "Disabled")
        self.state = np.zeros((width, 2), np.int64)
        self.reward = reward
        self.advanced: list[list[int]] = []  # which worlds each step moved

    def _start(self, index: np.ndarray, seeds: Sequence[int | None]) -> None:
        self.state[index] = [[seed, 0] for seed in seeds]

    def _advance(self, index: np.ndarray, actions: np.ndarray) -> Step:
        self.advanced.append(index.tolist())
        self.state[index, 1] += 1
        seed, step = self.state[index].T
        over = step >= seed
        reward = np.array([self.reward(*pair) for pair in self.state[index].tolist()], np.float64)
        return Step(reward, over & (seed % 2 == 0), over & (seed % 2 == 1))

    def _observe(self) -> np.ndarray:
        return self.state.astype(np.float32)


@dataclass
class Echo:
    """Acts with the step that it sees, and notes when episodes begin."""

    begun: list[tuple[int, int, int]] = field(default_factory=list)

    def begin(self, slots: np.ndarray, seeds: np.ndarray, candidates: np.ndarray) -> None:
        self.begun += zip(slots.tolist(), seeds.tolist(), candidates.tolist(), strict=True)

    def act(self, observations: np.ndarray, running: np.ndarray | None = None) -> np.ndarray:
        return observations[:, 1:]


@dataclass
class Diary(Observer):
    """Writes down everything that it is shown, by task."""

    started_at: dict[int, list[float]] = field(default_factory=dict)
    steps: dict[int, list[tuple[float, float, list[float]]]] = field(default_factory=dict)
    outcomes: dict[int, Outcome] = field(default_factory=dict)

    def started(self, number: int, slot: int, observation: np.ndarray) -> None:
        assert number not in self.started_at
        self.started_at[number] = observation.tolist()
        self.steps[number] = []

    def stepped(
        self, number: int, slot: int, action: np.ndarray, reward: float, observation: np.ndarray
    ) -> None:
        assert number not in self.outcomes
        self.steps[number].append((float(action[0]), float(reward), observation.tolist()))

    def ended(self, number: int, outcome: Outcome) -> None:
        assert len(self.steps[number]) == outcome.length
        self.outcomes[number] = outcome


SEEDS = (5, 2, 9, 1, 4, 3, 7)
TASKS = [Task(seed, candidate=number % 3) for number, seed in enumerate(SEEDS)]
every_width = pytest.mark.parametrize("width", [1, 3, len(SEEDS), 12])


@every_width
def test_outcomes_come_in_the_order_of_the_tasks(width: int) -> None:
    outcomes = play(Countdown(width), Echo(), TASKS, Limits())
    assert [(o.seed, o.candidate) for o in outcomes] == [(t.seed, t.candidate) for t in TASKS]


@every_width
def test_returns_and_lengths_do_not_depend_on_the_width(width: int) -> None:
    outcomes = play(Countdown(width, lambda seed, step: seed * step), Echo(), TASKS, Limits())
    assert [outcome.length for outcome in outcomes] == list(SEEDS)
    assert [outcome.total for outcome in outcomes] == [s * s * (s + 1) / 2 for s in SEEDS]


def test_the_end_is_told_as_the_world_tells_it() -> None:
    outcomes = play(Countdown(3), Echo(), TASKS, Limits())
    assert [outcome.terminated for outcome in outcomes] == [seed % 2 == 0 for seed in SEEDS]
    assert [outcome.truncated for outcome in outcomes] == [seed % 2 == 1 for seed in SEEDS]


def test_a_freed_slot_takes_the_next_task_at_once() -> None:
    world, policy = Countdown(2), Echo()
    play(world, policy, [Task(3), Task(1), Task(2), Task(4)], Limits())
    assert policy.begun == [(0, 3, 0), (1, 1, 0), (1, 2, 0), (0, 4, 0)]
    assert world.advanced == [[0, 1]] * 3 + [[0]] * 4


def test_fewer_tasks_than_slots_leave_the_rest_of_the_world_alone() -> None:
    world = Countdown(5)
    outcomes = play(world, Echo(), [Task(2), Task(4)], Limits())
    assert [outcome.length for outcome in outcomes] == [2, 4]
    assert world.advanced == [[0, 1], [0, 1], [1], [1]]


def test_an_episode_that_the_limits_ended_is_not_played_on() -> None:
    world = Countdown(2)
    play(world, Echo(), [Task(9), Task(9), Task(9)], Limits(max_steps=2))
    assert world.advanced == [[0, 1], [0, 1], [0], [0]]


def test_worlds_that_ran_before_are_not_played_on() -> None:
    world = Countdown(3)
    world.reset(seed=[9, 9, 9])
    play(world, Echo(), [Task(2)], Limits())
    assert world.advanced == [[0], [0]]


def test_no_tasks_give_no_outcomes() -> None:
    assert play(Countdown(2), Echo(), [], Limits()) == []


def test_a_world_can_be_played_again() -> None:
    world = Countdown(3)
    first = play(world, Echo(), TASKS, Limits(max_steps=2))
    assert play(world, Echo(), TASKS, Limits(max_steps=2)) == first


def test_each_candidate_begins_with_its_own_task() -> None:
    policy = Echo()
    play(Countdown(3), policy, TASKS, Limits())
    assert sorted((seed, candidate) for _, seed, candidate in policy.begun) == sorted(
        (task.seed, task.candidate) for task in TASKS
    )


def test_max_steps_truncates_what_would_go_on() -> None:
    outcomes = play(Countdown(3), Echo(), TASKS, Limits(max_steps=4))
    assert [outcome.length for outcome in outcomes] == [min(seed, 4) for seed in SEEDS]
    assert [outcome.truncated for outcome in outcomes] == [seed not in (2, 4) for seed in SEEDS]


def test_an_episode_that_terminates_at_max_steps_counts_as_terminated() -> None:
    outcomes = play(Countdown(1), Echo(), [Task(4)], Limits(max_steps=4))
    assert outcomes == [Outcome(4, 0, 4.0, 4, terminated=True, truncated=False)]


def test_patience_ends_an_episode_after_that_many_steps_without_reward() -> None:
    world = Countdown(1, none_after_three)
    (outcome,) = play(world, Echo(), [Task(50)], Limits(patience=5))
    assert (outcome.length, outcome.terminated, outcome.truncated) == (8, False, True)


def test_patience_charges_the_steps_it_cut_off_as_idle() -> None:
    limits = Limits(patience=5, idle_reward=-0.1, full_length=50)
    (outcome,) = play(Countdown(1, none_after_three), Echo(), [Task(50)], limits)
    (whole,) = play(Countdown(1, none_after_three), Echo(), [Task(50)], Limits())
    assert outcome.total == pytest.approx(whole.total)
    assert outcome.total == pytest.approx(3 - 4.7)


def test_patience_starts_anew_with_every_reward() -> None:
    every_fourth = Countdown(1, lambda seed, step: float(step % 4 == 0))
    (outcome,) = play(every_fourth, Echo(), [Task(40)], Limits(patience=4))
    assert (outcome.length, outcome.terminated) == (40, True)


def test_patience_starts_anew_in_a_refilled_slot() -> None:
    world = Countdown(1, lambda seed, step: 0.0)
    outcomes = play(world, Echo(), [Task(3), Task(3), Task(9)], Limits(patience=5))
    assert [outcome.length for outcome in outcomes] == [3, 3, 5]


def test_an_episode_that_ends_while_idle_is_charged_nothing() -> None:
    limits = Limits(patience=5, idle_reward=-0.1, full_length=50)
    (outcome,) = play(Countdown(1, lambda seed, step: 0.0), Echo(), [Task(4)], limits)
    assert outcome.total == 0


def test_an_episode_cut_off_by_max_steps_alone_is_charged_nothing() -> None:
    limits = Limits(max_steps=3, patience=5, idle_reward=-0.1, full_length=50)
    (outcome,) = play(Countdown(1, lambda seed, step: 0.0), Echo(), [Task(9)], limits)
    assert (outcome.length, outcome.total) == (3, 0)


@every_width
def test_the_observer_is_shown_every_start(width: int) -> None:
    diary = Diary()
    play(Countdown(width), Echo(), TASKS, Limits(), diary)
    assert diary.started_at == {number: [seed, 0] for number, seed in enumerate(SEEDS)}


@every_width
def test_the_observer_is_shown_every_step_of_each_task_in_order(width: int) -> None:
    diary = Diary()
    outcomes = play(Countdown(width), Echo(), TASKS, Limits(max_steps=6), diary)
    assert outcomes == [diary.outcomes[number] for number in range(len(TASKS))]
    for number, seed in enumerate(SEEDS):
        steps = range(min(seed, 6))
        # The action was chosen for the observation before; the observation is the one after.
        assert diary.steps[number] == [(step, 1.0, [seed, step + 1]) for step in steps]
