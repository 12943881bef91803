"""What candidates are worth: episodes of an agent in a game or in the dream, shared by a pool."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from worldmodels.data import weights
from worldmodels.data.explorers import ExplorerPolicy
from worldmodels.device import count_gpus, resolve_acting_precision
from worldmodels.evolution.dreaming import DreamPolicy
from worldmodels.evolution.pool import chunked, mpi_size
from worldmodels.evolution.rollout import Limits, Outcome, Policy, Task, play
from worldmodels.experiment import Experiment, WorldRequest, find_experiment
from worldmodels.machine import usable_cores
from worldmodels.models.agent import Agent, AgentPolicy
from worldmodels.models.bfloat16 import Bfloat16Rnn
from worldmodels.models.controller import ControllerSizes
from worldmodels.models.rnn import Rnn, RnnSizes
from worldmodels.worlds.dream import DreamWorld
from worldmodels.worlds.world import World

DREAM = "dream"


@dataclass(frozen=True)
class Unit:
    """The piece of work that a worker does at a time."""

    parameters: Float[np.ndarray, "P D"]
    tasks: Sequence[Task]  # Task.candidate is a row of `parameters`
    limits: Limits


@dataclass(frozen=True)
class Dreaming:
    """How M dreams."""

    temperature: float
    initial_noise: float = 0.0


@dataclass(frozen=True)
class AgentJob:
    """Playing episodes with V, M and a C of given parameters."""

    experiment: str
    settings: Any  # the game's
    world: str  # a kind of the game's worlds, or "dream"
    vae: Path
    rnn: Path | None  # None: M at the random start of `rnn_seed`
    rnn_sizes: RnnSizes | None  # of an M at its random start
    rnn_seed: int
    controller: ControllerSizes
    sample_latent: bool
    slots: int
    dreaming: Dreaming | None = None
    precision: str = "float32"

    @property
    def has_networks(self) -> bool:
        """V, M and C compute."""
        return True

    def open(self, device: torch.device) -> Callable[[Unit], list[Outcome]]:
        """Load the networks and start the worlds."""
        experiment = find_experiment(self.experiment)
        world: World
        if self.dreaming is not None:
            assert self.rnn is not None, "an untrained M has no dream"
            world = dream = self.make_dream(experiment, self._acting_rnn(device))

            def policy(parameters: np.ndarray) -> Policy:
                return DreamPolicy(dream, self.controller, experiment.squash, parameters)
        else:
            agent = self.make_agent(experiment, device)
            request = WorldRequest(
                self.world, self.slots, self.settings, threads=_threads_of_worlds(device)
            )
            world = experiment.make_world(request)

            def policy(parameters: np.ndarray) -> Policy:
                return AgentPolicy(agent, parameters, self.slots)

        return lambda unit: play(world, policy(unit.parameters), unit.tasks, unit.limits)

    def make_agent(self, experiment: Experiment, device: torch.device) -> Agent:
        """V, M and C's layout."""
        vae, rnn = weights.load_vae(self.vae, device), self._acting_rnn(device)
        precision = resolve_acting_precision(self.precision, device)
        return Agent(vae, rnn, self.controller, experiment.squash, self.sample_latent, precision)

    def make_dream(self, experiment: Experiment, rnn: Rnn) -> DreamWorld:
        """The dream that this job plays in."""
        assert self.rnn is not None
        assert self.dreaming is not None
        return DreamWorld(
            rnn,
            weights.load_first_latents(self.rnn),
            experiment.action_space(),
            self.slots,
            temperature=self.dreaming.temperature,
            initial_noise=self.dreaming.initial_noise,
            max_episode_steps=experiment.max_steps(self.settings),
            autoreset_mode="Disabled",
        )

    def load_rnn(self, device: torch.device) -> Rnn:
        """M, trained or at its random start."""
        if self.rnn is None:
            assert self.rnn_sizes is not None
            return weights.random_rnn(self.rnn_sizes, self.rnn_seed, device)
        return weights.load_rnn(self.rnn, device)

    def _acting_rnn(self, device: torch.device) -> Rnn:
        rnn = self.load_rnn(device)
        precision = resolve_acting_precision(self.precision, device)
        return Bfloat16Rnn(rnn) if precision == torch.bfloat16 else rnn


def _threads_of_worlds(device: torch.device) -> int:
    """A GPU is fed by one process on its share of the cores; elsewhere each core has a process."""
    if device.type != "cuda" or mpi_size() > 1:
        return 1
    return max(usable_cores() // count_gpus("auto"), 1)


@dataclass(frozen=True)
class RandomJob:
    """Playing episodes with a policy that knows nothing."""

    experiment: str
    settings: Any
    world: str
    explorer: str
    slots: int

    @property
    def has_networks(self) -> bool:
        """None: only the game is played."""
        return False

    def open(self, device: torch.device) -> Callable[[Unit], list[Outcome]]:
        """Start the worlds."""
        experiment = find_experiment(self.experiment)
        make = experiment.find_explorer(self.explorer)
        world = experiment.make_world(WorldRequest(self.world, self.slots, self.settings))
        policy = ExplorerPolicy(make, self.slots, experiment.action_size)
        return lambda unit: play(world, policy, unit.tasks, unit.limits)


def cut(
    parameters: Float[np.ndarray, "P D"],
    seeds: Sequence[Sequence[int]],
    limits: Limits,
    unit_episodes: int,
) -> list[Unit]:
    """The work of letting candidate i play an episode of each of `seeds[i]`, one after the other.

    It is cut into units of `unit_episodes` whatever the number of workers, and each unit is played
    in batches of the same width, so the outcomes do not depend on the pool.
    """
    tasks = [Task(seed, candidate) for candidate, own in enumerate(seeds) for seed in own]
    return [_unit(parameters, part, limits) for part in chunked(tasks, unit_episodes)]


def _unit(parameters: np.ndarray, tasks: Sequence[Task], limits: Limits) -> Unit:
    """The tasks with only those parameters that they need."""
    first, last = tasks[0].candidate, tasks[-1].candidate
    moved = [Task(task.seed, task.candidate - first) for task in tasks]
    return Unit(parameters[first : last + 1], moved, limits)
