"""The agent of a run folder, as the page wants it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from worldmodels.config import load_recorded_config
from worldmodels.data.episodes import list_episodes
from worldmodels.data.explorers import ExplorerPolicy
from worldmodels.data.weights import (
    CONTROLLER,
    WEIGHTS,
    SavedController,
    load_first_latents,
    load_rnn,
    load_vae,
)
from worldmodels.errors import WorldModelsError
from worldmodels.evolution.fitness import Dreaming
from worldmodels.evolution.rollout import Policy
from worldmodels.experiment import OFFICIAL, WorldRequest
from worldmodels.models.agent import Agent, AgentPolicy
from worldmodels.models.rnn import Rnn
from worldmodels.models.vae import Vae
from worldmodels.stages.agents import agent_job
from worldmodels.stages.context import Context
from worldmodels.web.dreamer import Dreamer
from worldmodels.web.frames import played_frames, recorded_frames

FRAMES = 12


def load_dreamer(run: Path, name: str, inputs_from: Path | None = None) -> Dreamer:
    """The agent of a run, or of it and the run that has what it lacks.

    Raises WorldModelsError if there is no V or M, or they do not fit.
    """
    config = load_recorded_config(run)
    context = Context(config, str(run / "config.toml"), run, device="cpu", inputs_from=inputs_from)
    for part in ("vae", "rnn"):
        source = context.input(part)
        if not (source.path / WEIGHTS).is_file():
            source.require()
    memory = context.input("rnn").path
    vae, rnn = load_vae(context.input("vae").path, "cpu"), load_rnn(memory, "cpu")
    if vae.sizes.latent != rnn.sizes.latent:
        raise WorldModelsError(
            f"V of {run} makes z of {vae.sizes.latent} numbers but M expects {rnn.sizes.latent}: "
            f"they are of different runs."
        )
    controller, policy = _players(context, vae, rnn)
    return Dreamer(
        name=name,
        experiment=context.experiment,
        vae=vae,
        rnn=rnn,
        controller=controller,
        first=load_first_latents(memory),
        frames=_frames(context, policy),
        temperature=config.train_ctrl.temperature,
        max_steps=context.experiment.max_steps(context.game),
    )


def _players(context: Context, vae: Vae, rnn: Rnn) -> tuple[SavedController | None, Policy]:
    """C if there is one, and who plays the real game for its frames: C, or random actions."""
    experiment = context.experiment
    folder = context.input("ctrl").path
    if not (folder / CONTROLLER).is_file():
        print(f"{folder} holds no C yet: only people will steer.", file=sys.stderr, flush=True)
        explorer = experiment.find_explorer(context.config.extract.explorer)
        return None, ExplorerPolicy(explorer, 1, experiment.action_size)
    temperature = context.config.train_ctrl.temperature
    controller, job = agent_job(context, OFFICIAL, 1, Dreaming(temperature))
    agent = Agent(vae, rnn, job.controller, experiment.squash, job.sample_latent)
    return controller, AgentPolicy(agent, controller.parameters[np.newaxis], 1)


def _frames(context: Context, policy: Policy) -> np.ndarray:
    """Real frames: of the run's episodes, else of a few seconds of the game."""
    paths = list(list_episodes(context.input("episodes").path).values())
    if paths:
        return recorded_frames(paths, FRAMES)
    world = context.experiment.make_world(WorldRequest(OFFICIAL, 1, context.game))
    try:
        return played_frames(world, policy, context.config.eval.seed, FRAMES)
    finally:
        world.close()
