"""One contract for all worlds: seeds, idling and autoreset, whatever the game."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import gymnasium
import numpy as np
import pytest
import torch

import worldmodels
from worldmodels.models.rnn import Rnn, RnnSizes
from worldmodels.worlds.dream import DreamWorld, FirstLatents
from worldmodels.worlds.fastcar.env import FastCarWorld
from worldmodels.worlds.world import GameWorld, World

REGISTERED = {"car": "worldmodels/CarRacing-v0", "doom": "worldmodels/DoomTakeCover-v0"}
# Steps after which every episode is cut off; Doom's first pictures are the same for all seeds.
STEPS = {"car": 6, "fastcar": 6, "doom": 60, "dream": 6}
SEEDS = [11, 5, 8, 2]
ONLY_FIRST = np.array([True, False, False, False])
BUT_FIRST = ~ONLY_FIRST
W = len(SEEDS)


def make_games(name: str, mode: str) -> World:
    envs = [gymnasium.make(REGISTERED[name], max_episode_steps=STEPS[name]) for _ in range(W)]
    return GameWorld(envs, mode)


def make_dream(mode: str) -> World:
    torch.manual_seed(0)
    rnn = Rnn(RnnSizes(latent=4, action=2, hidden=16, mixtures=3, done_head=False))
    first = FirstLatents(*np.random.default_rng(0).normal(size=(2, 9, 4)).astype(np.float16))
    actions = gymnasium.spaces.Box(-1, 1, (2,), np.float32)
    return DreamWorld(
        rnn,
        first,
        actions,
        W,
        temperature=1.0,
        max_episode_steps=STEPS["dream"],
        autoreset_mode=mode,
    )


def make_fast_cars(mode: str) -> World:
    return FastCarWorld(W, max_episode_steps=STEPS["fastcar"], autoreset_mode=mode)


@dataclass
class Maker:
    """Makes worlds of one kind; those of each mode but the fresh ones are made once."""

    make: Callable[[str], World]
    steps: int  # of every episode
    made: dict[str, World] = field(default_factory=dict)
    all: list[World] = field(default_factory=list)

    def fresh(self, mode: str = "Disabled") -> World:
        self.all.append(self.make(mode))
        return self.all[-1]

    def __call__(self, mode: str = "Disabled") -> World:
        if mode not in self.made:
            self.made[mode] = self.fresh(mode)
        return self.made[mode]


@pytest.fixture(scope="module", params=["car", "fastcar", "doom", "dream"])
def maker(request: pytest.FixtureRequest) -> Iterator[Maker]:
    name = request.param
    others = {"dream": make_dream, "fastcar": make_fast_cars}
    make = others.get(name, lambda mode: make_games(name, mode))
    maker = Maker(make, STEPS[name])
    yield maker
    for world in maker.all:
        world.close()


def some_actions(world: World, count: int) -> np.ndarray:
    """(count, W, A) actions, always the same."""
    space = world.single_action_space
    assert isinstance(space, gymnasium.spaces.Box)
    random = np.random.default_rng(0)
    return random.uniform(space.low, space.high, (count, W, *space.shape)).astype(np.float32)


def at_rest(world: World) -> np.ndarray:
    """The action that is zero, for every world."""
    return np.zeros((W, *(world.single_action_space.shape or ())), np.float32)


def observations(world: World, seeds: list[int], count: int) -> np.ndarray:
    """(count + 1, W, ...) what is seen from a reset on."""
    seen = [world.reset(seed=seeds)[0]]
    seen += [world.step(action)[0] for action in some_actions(world, count)]
    return np.stack(seen)


def test_what_a_world_returns_is_within_its_spaces(maker: Maker) -> None:
    world = maker()
    observation, info = world.reset(seed=SEEDS)
    assert observation in world.observation_space
    assert observation[0] in world.single_observation_space
    assert info == {}
    observation, reward, terminated, truncated, _ = world.step(world.action_space.sample())
    assert observation in world.observation_space
    assert reward.shape == terminated.shape == truncated.shape == (W,)
    assert terminated.dtype == truncated.dtype == np.bool_


def test_the_same_seeds_give_the_same_episodes(maker: Maker) -> None:
    world = maker()
    first = observations(world, SEEDS, maker.steps)
    np.testing.assert_array_equal(observations(world, SEEDS, maker.steps), first)


def test_an_episode_does_not_depend_on_the_place_that_plays_it(maker: Maker) -> None:
    world = maker()
    episodes = []
    for seeds in (SEEDS, SEEDS[::-1]):
        seen = [world.reset(seed=seeds)[0]] + [
            world.step(at_rest(world))[0] for _ in range(maker.steps)
        ]
        episodes.append(np.stack(seen))
    np.testing.assert_array_equal(episodes[0], episodes[1][:, ::-1])


def test_other_seeds_give_other_episodes(maker: Maker) -> None:
    world = maker()
    first = observations(world, SEEDS, maker.steps)
    other = observations(world, [seed + 1 for seed in SEEDS], maker.steps)
    assert all(not np.array_equal(first[:, i], other[:, i]) for i in range(W))


def test_one_seed_for_all_counts_up(maker: Maker) -> None:
    world = maker()
    seen = []
    for seed in ([3, 4, 5, 6], 3):
        world.reset(seed=seed)
        seen.append([world.step(at_rest(world))[0] for _ in range(maker.steps)])
    np.testing.assert_array_equal(seen[1], seen[0])


def test_an_observation_may_be_kept(maker: Maker) -> None:
    world = maker()
    observation, _ = world.reset(seed=SEEDS)
    copy = observation.copy()
    for action in some_actions(world, 3):
        world.step(action)
    np.testing.assert_array_equal(observation, copy)


def test_the_physics_that_a_world_tells_has_a_row_for_each_of_its_games(maker: Maker) -> None:
    world = maker()
    world.reset(seed=SEEDS)
    before = world.physics()
    world.step(some_actions(world, 1)[0])
    after = world.physics()
    assert all(quantity.shape[0] == W for quantity in before.values())
    assert all((after[name] != before[name]).any() for name in before)


def test_a_partial_reset_restarts_the_masked_world(maker: Maker) -> None:
    world = maker()
    expected = observations(world, SEEDS, 2)[:, 0]
    world.step(some_actions(world, 1)[0])
    seen = [world.reset(seed=SEEDS, options={"reset_mask": ONLY_FIRST})[0][0]]
    seen += [world.step(action)[0][0] for action in some_actions(world, 2)]
    np.testing.assert_array_equal(np.stack(seen), expected)


def test_a_partial_reset_leaves_the_others_alone(maker: Maker) -> None:
    world = maker()
    expected = observations(world, SEEDS, 4)[:, 1:]
    actions = some_actions(world, 4)
    seen = [world.reset(seed=SEEDS)[0], *(world.step(action)[0] for action in actions[:2])]
    restarted, _ = world.reset(seed=[1, 1, 1, 1], options={"reset_mask": ONLY_FIRST})
    np.testing.assert_array_equal(restarted[1:], seen[-1][1:])
    seen += [world.step(action)[0] for action in actions[2:]]
    np.testing.assert_array_equal(np.stack(seen)[:, 1:], expected)


def test_episodes_are_cut_off_at_the_same_step(maker: Maker) -> None:
    world = maker()
    world.reset(seed=SEEDS)
    ends = [world.step(action)[3].tolist() for action in some_actions(world, maker.steps)]
    assert ends == [[False] * W] * (maker.steps - 1) + [[True] * W]


def test_finished_worlds_stand_still_without_reward_until_they_are_reset(maker: Maker) -> None:
    world = maker()
    last = observations(world, SEEDS, maker.steps)[-1]
    observation, reward, terminated, truncated, _ = world.step(some_actions(world, 1)[0])
    np.testing.assert_array_equal(observation, last)
    assert not np.any([reward, terminated, truncated])


def test_parked_worlds_stand_still_while_the_others_go_on(maker: Maker) -> None:
    world = maker()
    expected = observations(world, SEEDS, 3)
    actions = some_actions(world, 3)
    world.reset(seed=SEEDS)
    world.step(actions[0])
    world.park(BUT_FIRST)
    for step, action in enumerate(actions[1:], start=2):
        observation, reward, *_ = world.step(action)
        np.testing.assert_array_equal(observation[1:], expected[1, 1:])
        np.testing.assert_array_equal(observation[0], expected[step, 0])
        assert not reward[1:].any()
        assert reward[0] != 0


def test_worlds_that_were_never_started_stand_still(maker: Maker) -> None:
    world = maker.fresh()
    start, _ = world.reset(seed=SEEDS, options={"reset_mask": ONLY_FIRST})
    observation, reward, *_ = world.step(some_actions(world, 1)[0])
    np.testing.assert_array_equal(observation[1:], start[1:])
    assert reward[0] != 0
    assert not reward[1:].any()


def test_with_autoreset_the_step_after_an_end_starts_the_next_episode(maker: Maker) -> None:
    world = maker("NextStep")
    last = observations(world, SEEDS, maker.steps)[-1]
    action = some_actions(world, 1)[0]
    observation, reward, terminated, truncated, _ = world.step(action)
    assert not np.any([reward, terminated, truncated])
    assert all(not np.array_equal(observation[i], last[i]) for i in range(W))
    _, reward, *_ = world.step(action)
    assert reward.all()


def test_with_autoreset_the_first_seeds_decide_the_episodes_that_follow(maker: Maker) -> None:
    world = maker("NextStep")
    first = observations(world, SEEDS, 2 * maker.steps)
    np.testing.assert_array_equal(observations(world, SEEDS, 2 * maker.steps), first)


def test_with_autoreset_the_next_episode_is_another_one(maker: Maker) -> None:
    world = maker("NextStep")
    seen = [world.reset(seed=SEEDS)[0]]
    seen += [world.step(at_rest(world))[0] for _ in range(2 * maker.steps)]
    assert not np.array_equal(seen[maker.steps + 1 :], seen[: maker.steps])


def test_with_autoreset_other_first_seeds_lead_to_other_episodes(maker: Maker) -> None:
    world = maker("NextStep")
    first = observations(world, SEEDS, 2 * maker.steps)[maker.steps + 1 :]
    other = observations(world, [seed + 1 for seed in SEEDS], 2 * maker.steps)[maker.steps + 1 :]
    assert not np.array_equal(first, other)


def test_the_autoreset_mode_is_told_in_the_metadata(maker: Maker) -> None:
    assert maker("NextStep").metadata["autoreset_mode"] is gymnasium.vector.AutoresetMode.NEXT_STEP
    assert maker("Disabled").metadata["autoreset_mode"] is gymnasium.vector.AutoresetMode.DISABLED


def test_autoreset_in_the_same_step_is_refused(maker: Maker) -> None:
    with pytest.raises(ValueError, match="NextStep and Disabled only"):
        maker.fresh("SameStep")


def test_a_step_before_the_first_reset_asks_for_one(maker: Maker) -> None:
    world = maker.fresh()
    with pytest.raises(gymnasium.error.ResetNeeded, match="call reset"):
        world.step(some_actions(world, 1)[0])


@pytest.mark.parametrize("seeds", [[1], [1, 2, 3, 4, 5]])
def test_a_wrong_number_of_seeds_is_refused(maker: Maker, seeds: list[int]) -> None:
    with pytest.raises(ValueError, match="one entry for each of 4 worlds"):
        maker().reset(seed=seeds)


def test_a_reset_mask_of_the_wrong_length_is_refused(maker: Maker) -> None:
    with pytest.raises(ValueError, match="one entry for each of 4 worlds"):
        maker().reset(seed=SEEDS, options={"reset_mask": np.array([True])})


@pytest.mark.parametrize("rows", [0, 1, W - 1, W + 1])
def test_actions_for_another_number_of_worlds_are_refused(maker: Maker, rows: int) -> None:
    world = maker()
    world.reset(seed=SEEDS)
    with pytest.raises(ValueError, match="a row for each world"):
        world.step(np.zeros((rows, *world.single_action_space.shape)))


def test_actions_of_another_shape_or_that_are_no_numbers_are_refused(maker: Maker) -> None:
    world = maker()
    world.reset(seed=SEEDS)
    actions = np.zeros(world.action_space.shape)
    for wrong in (actions[:, :-1], actions[0], actions[..., None]):
        with pytest.raises(ValueError, match="a row for each world"):
            world.step(wrong)
    actions[1, 0] = np.nan
    with pytest.raises(ValueError, match="a NaN among them"):
        world.step(actions)


def test_seeds_that_are_no_whole_numbers_are_refused(maker: Maker) -> None:
    with pytest.raises(ValueError, match="seed must be a whole number"):
        maker().reset(seed=np.array([1.5, 2, 3, 4]))


def test_numpys_whole_numbers_are_seeds(maker: Maker) -> None:
    world = maker()
    observation, _ = world.reset(seed=np.array(SEEDS))
    np.testing.assert_array_equal(observation, world.reset(seed=SEEDS)[0])


@pytest.mark.parametrize("name", REGISTERED.values(), ids=REGISTERED.keys())
def test_gymnasium_makes_the_registered_games_in_batches(name: str) -> None:
    assert worldmodels.__version__
    batch = gymnasium.make_vec(name, num_envs=2, vectorization_mode="sync")
    try:
        observation, _ = batch.reset(seed=[1, 2])
        assert observation.shape == (2, 64, 64, 3)
        observation, reward, *_ = batch.step(batch.action_space.sample())
        assert observation in batch.observation_space
        assert reward.all()
    finally:
        batch.close()
