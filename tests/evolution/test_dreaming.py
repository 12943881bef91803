"""C in a dream: it sees the dream's latent and memory, each candidate with its own parameters."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
import torch

from worldmodels.evolution.dreaming import DreamPolicy
from worldmodels.evolution.rollout import Limits, Outcome, Task, play
from worldmodels.models.controller import ControllerSizes, control, features
from worldmodels.models.rnn import Rnn, RnnSizes
from worldmodels.worlds.dream import DreamWorld, FirstLatents

Z, A, H = 3, 2, 8
SIZES = ControllerSizes(Z, H, A, "z+c+h", hidden=0, bias=False)
CANDIDATES = np.random.default_rng(0).normal(size=(3, SIZES.parameters))
TASKS = [Task(seed, candidate=seed % 3) for seed in range(12)]


@pytest.fixture
def rnn() -> Rnn:
    torch.manual_seed(0)
    rnn = Rnn(RnnSizes(Z, A, H, 2, True))
    torch.nn.init.normal_(rnn.head.weight, std=0.8)  # so that dreams end at different times
    return rnn


def make_world(rnn: Rnn, width: int) -> DreamWorld:
    first = FirstLatents(*np.random.default_rng(1).normal(size=(2, 5, Z)).astype(np.float16))
    space = gymnasium.spaces.Box(-1, 1, (A,), np.float32)
    return DreamWorld(
        rnn, first, space, width, temperature=1.0, max_episode_steps=30, autoreset_mode="Disabled"
    )


def dream(rnn: Rnn, tasks: list[Task], width: int = 4) -> list[Outcome]:
    world = make_world(rnn, width)
    return play(world, DreamPolicy(world, SIZES, torch.tanh, CANDIDATES), tasks, Limits())


def test_actions_are_those_of_each_slots_candidate_on_the_dreams_state(rnn: Rnn) -> None:
    world = make_world(rnn, 3)
    policy = DreamPolicy(world, SIZES, torch.tanh, CANDIDATES)
    observation, _ = world.reset(seed=[1, 2, 3])
    policy.begin(np.arange(3), np.array([1, 2, 3]), np.array([2, 0, 1]))
    observation, *_ = world.step(policy.act(observation))
    seen = features(SIZES, torch.as_tensor(observation), world.memory)
    parameters = torch.as_tensor(CANDIDATES[[2, 0, 1]], dtype=torch.float32)
    expected = torch.tanh(control(SIZES, parameters, seen))
    np.testing.assert_allclose(policy.act(observation), expected.numpy(), rtol=1e-6)


def test_dreams_end_at_different_times_and_survival_is_the_return(rnn: Rnn) -> None:
    outcomes = dream(rnn, TASKS)
    assert len({outcome.length for outcome in outcomes}) > 2
    assert [outcome.total for outcome in outcomes] == [outcome.length for outcome in outcomes]


def test_a_dreams_outcome_does_not_depend_on_the_order_of_the_tasks(rnn: Rnn) -> None:
    assert dream(rnn, TASKS[::-1])[::-1] == dream(rnn, TASKS)


def test_a_dreams_outcome_does_not_depend_on_how_many_others_go_on(rnn: Rnn) -> None:
    """Of 16 slots half or a quarter are computed once that many dreams are left."""
    assert dream(rnn, TASKS, width=16) == dream(rnn, TASKS)
