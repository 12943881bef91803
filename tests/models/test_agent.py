"""V, M and C together: an episode's actions are its own, whichever slot it plays in."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from worldmodels.models.agent import POSTERIOR_STREAM, Agent, AgentPolicy
from worldmodels.models.controller import ControllerSizes, control, features
from worldmodels.models.noise import normal
from worldmodels.models.rnn import Rnn, RnnSizes
from worldmodels.models.vae import Vae, VaeSizes, to_image

Z, A, H, WIDTH, LENGTH = 4, 2, 16, 5, 4
SIZES = ControllerSizes(Z, H, A, "z+h", hidden=0, bias=True)
CANDIDATES = np.random.default_rng(0).normal(size=(3, SIZES.parameters)).astype(np.float32)
FILM = np.random.default_rng(1).integers(0, 256, (LENGTH, 64, 64, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def agent() -> Agent:
    torch.manual_seed(0)
    vae, rnn = Vae(VaeSizes(Z)), Rnn(RnnSizes(Z, A, H, 5, False))
    return Agent(vae, rnn, SIZES, torch.tanh, sample_latent=True)


def mean_agent(agent: Agent) -> Agent:
    return Agent(agent.vae, agent.rnn, agent.controller, agent.squash, sample_latent=False)


def begin(policy: AgentPolicy, slot: int, seed: int = 7, candidate: int = 1) -> None:
    policy.begin(np.array([slot]), np.array([seed]), np.array([candidate]))


def play_film(policy: AgentPolicy, slot: int, neighbours: int) -> np.ndarray:
    """The actions (T, A) of one episode beside neighbours who see other frames."""
    random = np.random.default_rng(neighbours)
    actions = []
    for frame in FILM:
        frames = random.integers(0, 256, (WIDTH, 64, 64, 3), dtype=np.uint8)
        frames[slot] = frame
        actions.append(policy.act(frames)[slot])
    return np.stack(actions)


@pytest.mark.parametrize("slot", range(WIDTH))
def test_actions_do_not_depend_on_the_slot_nor_on_the_neighbours(agent: Agent, slot: int) -> None:
    lonely = AgentPolicy(agent, CANDIDATES, WIDTH)
    begin(lonely, 0)
    crowded = AgentPolicy(agent, CANDIDATES, WIDTH)
    crowded.begin(np.arange(WIDTH), np.arange(WIDTH) + 50, np.arange(WIDTH) % 3)
    begin(crowded, slot)
    expected = play_film(lonely, 0, neighbours=0)
    np.testing.assert_array_equal(play_film(crowded, slot, neighbours=1), expected)


def test_an_episode_that_begins_late_in_a_used_slot_plays_as_in_a_fresh_one(agent: Agent) -> None:
    policy = AgentPolicy(agent, CANDIDATES, WIDTH)
    policy.begin(np.arange(WIDTH), np.arange(WIDTH), np.zeros(WIDTH, np.int64))
    play_film(policy, 0, neighbours=2)
    begin(policy, 3)
    fresh = AgentPolicy(agent, CANDIDATES, WIDTH)
    begin(fresh, 3)
    expected = play_film(fresh, 3, neighbours=0)
    np.testing.assert_array_equal(play_film(policy, 3, neighbours=0), expected)


def test_beginning_an_episode_leaves_the_others_alone(agent: Agent) -> None:
    def second_half(interrupt: bool) -> np.ndarray:
        policy = AgentPolicy(agent, CANDIDATES, WIDTH)
        policy.begin(np.arange(WIDTH), np.arange(WIDTH), np.zeros(WIDTH, np.int64))
        play_film(policy, 2, neighbours=0)
        if interrupt:
            begin(policy, 1)
        return play_film(policy, 2, neighbours=0)

    np.testing.assert_array_equal(second_half(True), second_half(False))


def test_memory_makes_the_same_frame_give_other_actions(agent: Agent) -> None:
    policy = AgentPolicy(mean_agent(agent), CANDIDATES, WIDTH)
    begin(policy, 0)
    same = np.repeat(FILM[:1], WIDTH, axis=0)
    assert not np.array_equal(policy.act(same)[0], policy.act(same)[0])


def test_the_latent_is_the_mean_of_the_posterior_if_not_sampled(agent: Agent) -> None:
    policy = AgentPolicy(mean_agent(agent), CANDIDATES, LENGTH)
    policy.act(FILM)
    expected = agent.vae.encode(to_image(torch.as_tensor(FILM))).mean
    torch.testing.assert_close(policy.z, expected.detach())


def test_a_sampled_latent_is_the_posterior_with_the_episodes_own_noise(agent: Agent) -> None:
    policy = AgentPolicy(agent, CANDIDATES, LENGTH)
    policy.begin(np.arange(LENGTH), np.arange(LENGTH), np.zeros(LENGTH, np.int64))
    policy.act(FILM)
    policy.act(FILM)
    seeds = torch.arange(LENGTH)
    draw = normal(seeds, torch.ones_like(seeds), POSTERIOR_STREAM, Z)
    expected = agent.vae.encode(to_image(torch.as_tensor(FILM))).sample(draw)
    torch.testing.assert_close(policy.z, expected.detach())


def test_two_steps_equal_v_c_and_m_one_after_the_other(agent: Agent) -> None:
    policy = AgentPolicy(mean_agent(agent), CANDIDATES, 1)
    begin(policy, 0, candidate=2)
    actions = [policy.act(FILM[i : i + 1]) for i in range(2)]
    memory, parameters = agent.rnn.start(1), torch.as_tensor(CANDIDATES[2:])
    with torch.no_grad():
        for i, action in enumerate(actions):
            z = agent.vae.encode(to_image(torch.as_tensor(FILM[i : i + 1]))).mean
            expected = torch.tanh(control(SIZES, parameters, features(SIZES, z, memory)))
            np.testing.assert_allclose(action, expected.numpy(), rtol=1e-4, atol=1e-5)
            memory = agent.rnn.step(z, expected, torch.tensor([i == 0]), memory)


@pytest.mark.parametrize("running", [[1], [0, 3, 6], [7, 2, 5, 4, 1]])
def test_actions_do_not_depend_on_which_others_are_over(agent: Agent, running: list[int]) -> None:
    def act(among: np.ndarray | None) -> np.ndarray:
        policy = AgentPolicy(agent, CANDIDATES, 8)
        policy.begin(np.arange(8), np.arange(8), np.arange(8) % 3)
        return np.stack([policy.act(np.roll(crowd, t, 0), among)[running] for t in range(2)])

    crowd = np.random.default_rng(4).integers(0, 256, (8, 64, 64, 3), dtype=np.uint8)
    np.testing.assert_array_equal(act(np.array(running)), act(None))
