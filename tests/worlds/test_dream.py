"""The dream: M's own game, with the paper's end, temperature and first latents."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
import torch

from worldmodels.models.rnn import Memory, Rnn, RnnSizes
from worldmodels.models.vae import Vae, VaeSizes, to_frame
from worldmodels.worlds.dream import DreamWorld, FirstLatents

Z, A, H = 4, 2, 16
ACTIONS = gymnasium.spaces.Box(-1, 1, (A,), np.float32)
RECORDED = np.arange(1, 5 * Z + 1, dtype=np.float16).reshape(5, Z)
EXACTLY = np.full((5, Z), -100, np.float16)  # log variance of a posterior without spread


def random_rnn(done_head: bool = False) -> Rnn:
    torch.manual_seed(0)
    return Rnn(RnnSizes(Z, A, H, 3, done_head))


def fixed_rnn(done_logit: float = -1.0, mean: float = 0.0, std: float = 1.0) -> Rnn:
    """Expects one Gaussian, and one chance of the end, whatever happens."""
    rnn = Rnn(RnnSizes(Z, A, H, 1, done_head=True))
    with torch.no_grad():
        rnn.head.weight.zero_()
        rnn.head.bias.copy_(
            torch.tensor([0.0] * Z + [mean] * Z + [float(np.log(std))] * Z + [done_logit])
        )
    return rnn


def make_world(rnn: Rnn, width: int = 4, **options: object) -> DreamWorld:
    settings: dict[str, object] = {"temperature": 1.0, "max_episode_steps": 100}
    settings |= {"autoreset_mode": "Disabled", **options}
    return DreamWorld(rnn, FirstLatents(RECORDED, EXACTLY), ACTIONS, width, **settings)  # type: ignore[arg-type]


def still(width: int) -> np.ndarray:
    return np.zeros((width, A), np.float32)


@pytest.mark.parametrize(("logit", "ends"), [(-0.001, False), (0.0, False), (0.001, True)])
def test_a_dream_ends_when_the_end_is_likelier_than_not(logit: float, ends: bool) -> None:
    world = make_world(fixed_rnn(done_logit=logit))
    world.reset(seed=0)
    _, reward, terminated, truncated, _ = world.step(still(4))
    assert terminated.tolist() == [ends] * 4
    assert not truncated.any()
    assert reward.tolist() == [1] * 4


def test_a_dream_without_a_done_head_never_terminates() -> None:
    world = make_world(random_rnn(done_head=False), max_episode_steps=50)
    world.reset(seed=0)
    ends = np.array([world.step(still(4))[2] for _ in range(50)])
    assert not ends.any()


@pytest.mark.parametrize("max_episode_steps", [1, 7])
def test_a_dream_is_cut_off_after_exactly_the_given_number_of_steps(
    max_episode_steps: int,
) -> None:
    world = make_world(fixed_rnn(), max_episode_steps=max_episode_steps)
    world.reset(seed=0)
    ends = [world.step(still(4))[3].tolist() for _ in range(max_episode_steps)]
    assert ends == [[False] * 4] * (max_episode_steps - 1) + [[True] * 4]


def test_an_end_at_the_last_step_is_a_termination() -> None:
    world = make_world(fixed_rnn(done_logit=1.0), max_episode_steps=1)
    world.reset(seed=0)
    _, _, terminated, truncated, _ = world.step(still(4))
    assert (terminated.all(), truncated.any()) == (True, False)


@pytest.mark.parametrize("tau", [0.1, 1.15, 4.0])
def test_temperature_scales_deviations_from_the_mean_by_its_root(tau: float) -> None:
    deviations = []
    for temperature in (1.0, tau):
        world = make_world(fixed_rnn(mean=3.0, std=0.5), temperature=temperature)
        world.reset(seed=0)
        deviations.append(world.step(still(4))[0] - 3)
    np.testing.assert_allclose(deviations[1], deviations[0] * np.sqrt(tau), atol=1e-5)


def test_dreamt_latents_have_the_mean_and_deviation_that_m_expects() -> None:
    world = make_world(fixed_rnn(mean=3.0, std=0.5), width=3000)
    world.reset(seed=0)
    z = world.step(still(3000))[0]
    assert z.mean() == pytest.approx(3.0, abs=0.02)
    assert z.std() == pytest.approx(0.5, rel=0.03)


def test_a_dream_starts_from_one_of_the_recorded_latents() -> None:
    z, _ = make_world(fixed_rnn(), width=50).reset(seed=0)
    assert {tuple(row) for row in z.tolist()} == {tuple(row) for row in RECORDED.tolist()}


def test_a_first_latent_is_a_sample_of_the_recorded_posterior() -> None:
    first = FirstLatents(RECORDED[:1], np.full((1, Z), np.log(0.25), np.float16))
    world = DreamWorld(fixed_rnn(), first, ACTIONS, 3000, temperature=1.0, max_episode_steps=9)
    z, _ = world.reset(seed=0)
    np.testing.assert_allclose(z.mean(0), RECORDED[0], atol=0.05)
    np.testing.assert_allclose(z.std(0), 0.5, rtol=0.06)


def test_initial_noise_has_the_given_deviation_around_the_first_latent() -> None:
    quiet, _ = make_world(fixed_rnn(), width=3000).reset(seed=0)
    noisy, _ = make_world(fixed_rnn(), width=3000, initial_noise=0.3).reset(seed=0)
    added = noisy - quiet
    np.testing.assert_allclose(added.mean(0), 0, atol=0.03)
    np.testing.assert_allclose(added.std(0), 0.3, rtol=0.06)


def trajectory(width: int, slot: int, neighbours: int, steps: int = 12) -> np.ndarray:
    """The latents of the dream with seed 77 beside other dreams and actions."""
    random = np.random.default_rng(neighbours)
    world = make_world(random_rnn(), width)
    seeds = random.integers(0, 1000, width)
    seeds[slot] = 77
    seen = [world.reset(seed=seeds.tolist())[0][slot]]
    own = np.random.default_rng(5)
    for _ in range(steps):
        actions = random.uniform(-1, 1, (width, A)).astype(np.float32)
        actions[slot] = own.uniform(-1, 1, A)
        seen.append(world.step(actions)[0][slot])
    return np.stack(seen)


@pytest.mark.parametrize("slot", range(8))
def test_a_dream_does_not_depend_on_its_slot_nor_on_its_neighbours(slot: int) -> None:
    expected = trajectory(8, 0, neighbours=0)
    np.testing.assert_array_equal(trajectory(8, slot, neighbours=1), expected)


def test_a_dream_does_not_depend_on_how_many_others_still_run() -> None:
    world = make_world(random_rnn(), 8)
    world.reset(seed=[77, *range(7)])
    own = np.random.default_rng(5)
    for expected in trajectory(8, 0, neighbours=0)[1:]:
        actions = np.repeat(own.uniform(-1, 1, (1, A)), 8, axis=0)
        np.testing.assert_array_equal(world.step(actions)[0][0], expected)
        world.park(np.arange(8) == 1 + world._standing.sum())


def test_the_memory_is_ms_own_over_the_dreamt_latents() -> None:
    rnn = random_rnn(done_head=True)  # so that the first step is told to M
    with torch.no_grad():
        rnn.head.bias[-1] = -100  # no end
    world = make_world(rnn)
    z = [world.reset(seed=0)[0]]
    actions = np.random.default_rng(0).uniform(-1, 1, (6, 4, A)).astype(np.float32)
    z += [world.step(action)[0] for action in actions]
    latents, taken = torch.as_tensor(np.stack(z[:-1], 1)), torch.as_tensor(actions).transpose(0, 1)
    starts = torch.zeros(4, 6, dtype=torch.bool)
    starts[:, 0] = True
    with torch.no_grad():
        _, memory = rnn.unroll(latents, taken, starts, rnn.start(4))
    torch.testing.assert_close(world.memory.h, memory.h)
    torch.testing.assert_close(world.memory.c, memory.c)


def test_the_actions_change_the_dream() -> None:
    world = make_world(random_rnn())
    world.reset(seed=[1, 2, 3, 4])
    first = world.step(still(4))[0]
    world.reset(seed=[1, 2, 3, 4])
    assert not np.array_equal(world.step(still(4) + 1)[0], first)


def test_a_dream_begun_at_a_latent_starts_there_with_an_empty_memory() -> None:
    world = make_world(random_rnn())
    world.reset(seed=0)
    world.step(still(4))
    before = world.z.clone()
    z = torch.full((2, Z), 7.0)
    world.begin_at(np.array([1, 3]), torch.tensor([5, 6]), z)
    assert torch.equal(world.z[[1, 3]], z)
    assert torch.equal(world.z[[0, 2]], before[[0, 2]])
    assert not world.memory.h[[1, 3]].any()
    assert world.memory.h[[0, 2]].any()


def test_a_dream_begun_at_the_first_latent_of_a_seed_goes_on_as_that_seed_does() -> None:
    world = make_world(random_rnn())
    z, _ = world.reset(seed=[5, 6, 7, 8])
    expected = world.step(still(4))[0]
    world.begin_at(np.arange(4), torch.tensor([5, 6, 7, 8]), torch.as_tensor(z))
    np.testing.assert_array_equal(world.step(still(4))[0], expected)


def test_a_dream_begun_with_a_memory_goes_on_from_it_and_is_no_first_step() -> None:
    rnn = random_rnn(done_head=True)
    world = make_world(rnn)
    z, memory = torch.ones(2, Z), Memory(torch.full((2, H), 0.5), torch.full((2, H), -0.5))
    world.begin_at(np.array([0, 2]), torch.tensor([5, 6]), z, memory)
    assert torch.equal(world.memory.h[[0, 2]], memory.h)
    world.step(still(4))
    with torch.no_grad():
        later = rnn.step(z, torch.zeros(2, A), torch.zeros(2, dtype=torch.bool), memory)
    torch.testing.assert_close(world.memory.h[[0, 2]], later.h)


def test_a_finished_dream_begun_anew_at_a_latent_runs() -> None:
    world = make_world(random_rnn(), max_episode_steps=1)
    world.reset(seed=0)
    world.step(still(4))
    world.begin_at(np.arange(4), torch.arange(4), torch.zeros(4, Z))
    assert world.step(still(4))[1].tolist() == [1] * 4


def test_the_picture_of_a_dream_is_what_v_makes_of_it() -> None:
    torch.manual_seed(0)
    vae = Vae(VaeSizes(Z))
    world = make_world(fixed_rnn(), vae=vae)
    z, _ = world.reset(seed=0)
    pictures = world.render()
    assert pictures is not None
    with torch.no_grad():
        expected = to_frame(vae.decode(torch.as_tensor(z))).numpy()
    np.testing.assert_array_equal(np.stack(pictures), expected)


def test_a_dream_without_v_has_no_picture() -> None:
    world = make_world(fixed_rnn())
    world.reset(seed=0)
    assert (world.render_mode, world.render()) == (None, None)
