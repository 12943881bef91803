"""What a search of C begins with: how candidates are played, its first mean, its coordinates."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float

from worldmodels.data.series import load_series
from worldmodels.data.weights import load_controller, load_rnn, load_vae
from worldmodels.device import one_thread
from worldmodels.errors import UsageError, WorldModelsError
from worldmodels.evolution.fitness import DREAM, AgentJob, Dreaming
from worldmodels.evolution.lineage import Row, read_lineage
from worldmodels.evolution.whitening import search_basis
from worldmodels.models.controller import ControllerSizes
from worldmodels.stages.agents import find_agent
from worldmodels.stages.context import Context
from worldmodels.stages.train_rnn import sizes as rnn_sizes
from worldmodels.stages.train_rnn import start_seed


def first_mean(
    context: Context, sizes: ControllerSizes
) -> tuple[Float[np.ndarray, " D"], list[Row]]:
    """The first mean of the search, and the generations that have led to it.

    Raises UsageError for a C of another layout.
    """
    name = context.config.train_ctrl.start
    if not name:
        return np.zeros(sizes.parameters), []
    folder = find_agent(name, context.config, context.run) / "ctrl"
    controller = load_controller(folder)
    if controller.sizes != sizes:
        raise UsageError(
            f"--start {name}: {folder} holds a C of {controller.sizes}, but this search is for "
            f"{sizes}."
        )
    return controller.parameters, read_lineage(folder, controller.generation)


def search_coordinates(context: Context, job: AgentJob, seed: int) -> Float[np.ndarray, "D D"]:
    """The coordinates of the search, from what C would have seen along the recorded episodes."""
    series = load_series(context.input("series").path)
    with one_thread():
        return search_basis(
            job.controller,
            job.load_rnn(torch.device("cpu")),
            series,
            sampled=job.sample_latent or job.dreaming is not None,
            seed=seed,
        )


def search_job(context: Context) -> AgentJob:
    """What the workers must know to play; loads V and M once to see that they fit."""
    settings = context.config.train_ctrl
    trained = settings.rnn == "trained"
    latent = load_vae(context.input("vae").path, "cpu").sizes.latent
    rnn = rnn_sizes(context, latent)
    if trained:
        rnn = load_rnn(context.input("rnn").path, "cpu").sizes
        if rnn.latent != latent:
            raise WorldModelsError(
                f"M was trained on latents of {rnn.latent} numbers but V makes {latent}: run "
                f"`wm encode` and `wm train-rnn` again in another run folder."
            )
    controller = ControllerSizes(
        latent=latent,
        memory=rnn.hidden,
        action=context.experiment.action_size,
        inputs=settings.inputs,
        hidden=settings.hidden,
        bias=settings.bias,
    )
    dreaming = None
    if settings.world == DREAM:
        dreaming = Dreaming(settings.temperature, settings.initial_noise)
    return AgentJob(
        experiment=context.config.experiment,
        settings=context.game,
        world=settings.world,
        vae=context.input("vae").path,
        rnn=context.input("rnn").path if trained else None,
        rnn_sizes=None if trained else rnn,
        rnn_seed=start_seed(context),
        controller=controller,
        sample_latent=settings.latent == "sample",
        slots=settings.slots,
        dreaming=dreaming,
        precision=settings.precision,
    )
