"""The shipped games: actions within their spaces, settings read strictly, found by name."""

from __future__ import annotations

import subprocess
import sys

import gymnasium
import numpy as np
import pytest
import torch

from worldmodels.errors import UsageError
from worldmodels.experiment import SHIPPED, Experiment, WorldRequest, find_experiment
from worldmodels.experiments.carracing import squash, squash_array

FRAME = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)


@pytest.fixture(params=SHIPPED)
def experiment(request: pytest.FixtureRequest) -> Experiment:
    return find_experiment(request.param)


def raw_outputs(count: int, size: int) -> torch.Tensor:
    """Small and huge outputs of C."""
    raw = torch.randn(count, size, generator=torch.Generator().manual_seed(0))
    return torch.cat([raw, 100 * raw, torch.zeros(1, size)])


def test_cars_squash_in_torch_equals_the_one_in_numpy() -> None:
    raw = raw_outputs(100, 3)
    expected = np.stack([squash_array(row) for row in raw.numpy()])
    np.testing.assert_allclose(squash(raw).numpy(), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("raw", "action"),
    [
        ([0.0, 0.0, 0.0], [0.0, 0.5, 0.0]),
        ([99.0, 99.0, 99.0], [1.0, 1.0, 1.0]),
        ([-99.0, -99.0, -99.0], [-1.0, 0.0, 0.0]),
        ([0.5, 0.5, 0.5], [0.46211716, 0.73105858, 0.46211716]),
    ],
)
def test_cars_outputs_become_the_papers_actions(raw: list[float], action: list[float]) -> None:
    torch.testing.assert_close(squash(torch.tensor([raw])), torch.tensor([action]))


def test_squashed_outputs_are_actions(experiment: Experiment) -> None:
    space = experiment.action_space()
    for action in experiment.squash(raw_outputs(100, experiment.action_size)).numpy():
        assert action in space


def test_explored_actions_are_actions(experiment: Experiment) -> None:
    space = experiment.action_space()
    for make in experiment.explorers.values():
        for seed in range(5):
            explorer = make(np.random.default_rng(seed))
            assert all(explorer(FRAME) in space for _ in range(30))


def test_the_action_size_is_that_of_the_action_space(experiment: Experiment) -> None:
    assert experiment.action_space().shape == (experiment.action_size,)


def test_the_random_explorer_is_one_of_the_explorers(experiment: Experiment) -> None:
    assert experiment.find_explorer(experiment.random_explorer) is not None


def test_a_shipped_game_is_called_by_its_modules_name(experiment: Experiment) -> None:
    assert find_experiment(experiment.name) is experiment


def test_a_game_of_ones_own_is_found_by_dotted_path() -> None:
    assert find_experiment("worldmodels.experiments.doom") is find_experiment("doom")


def test_an_unknown_game_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(
        UsageError, match=r"'caracing' cannot be imported.*did you mean 'carracing'"
    ):
        find_experiment("caracing")


@pytest.mark.parametrize("name", ["", ".relative", "no.such.module"])
def test_a_name_that_is_no_module_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be imported"):
        find_experiment(name)


def test_a_module_without_a_game_is_refused() -> None:
    with pytest.raises(UsageError, match="worldmodels has no EXPERIMENT"):
        find_experiment("worldmodels")


def test_an_unknown_world_is_refused_with_the_nearest_name(experiment: Experiment) -> None:
    with pytest.raises(UsageError, match="has no world 'oficial'; did you mean 'official'"):
        experiment.make_world(WorldRequest("oficial", 1, None))


def test_an_unknown_explorer_is_refused_with_the_nearest_name(experiment: Experiment) -> None:
    with pytest.raises(UsageError, match="has no explorer 'unifrm'; did you mean 'uniform'"):
        experiment.find_explorer("unifrm")


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("carracing", {"max_episode_steps": 30, "lap_complete_percent": 1}),
        ("doom", {"skill": 4, "max_episode_steps": 30}),
    ],
)
def test_the_official_world_is_made_as_the_settings_say(name: str, table: dict[str, float]) -> None:
    experiment = find_experiment(name)
    settings = experiment.settings(**table)
    world = experiment.make_world(WorldRequest("official", 2, settings))
    assert world.num_envs == 2
    assert world.single_action_space == experiment.action_space()
    assert world.single_observation_space == gymnasium.spaces.Box(0, 255, (64, 64, 3), np.uint8)
    assert world.metadata["autoreset_mode"] is gymnasium.vector.AutoresetMode.DISABLED
    assert experiment.max_steps(settings) == 30
    world.close()


@pytest.mark.parametrize(("name", "solved", "best"), [("carracing", 900, 906), ("doom", 750, 1092)])
def test_the_papers_score_is_the_first_and_solves_the_game(
    name: str, solved: float, best: float
) -> None:
    experiment = find_experiment(name)
    assert (experiment.solved, experiment.scores[0].mean) == (solved, best)


@pytest.mark.parametrize(
    "module",
    [
        "worldmodels",
        "worldmodels.config",
        "worldmodels.rundir",
        "worldmodels.checkpoint",
        "worldmodels.seeding",
        "worldmodels.metrics",
        "worldmodels.experiment",
        "worldmodels.experiments.carracing",
        "worldmodels.experiments.doom",
    ],
)
def test_importing_what_the_command_line_needs_does_not_import_torch(module: str) -> None:
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
