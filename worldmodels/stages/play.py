"""`wm play`: a window to drive in, with the agent of a run or without one."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

from worldmodels.config import nearest
from worldmodels.data.weights import CONTROLLER, load_first_latents, load_rnn, load_vae
from worldmodels.device import one_thread, resolve_device
from worldmodels.errors import UsageError, WorldModelsError
from worldmodels.evolution.fitness import DREAM, Dreaming
from worldmodels.experiment import OFFICIAL, WorldRequest
from worldmodels.play.mind import Mind
from worldmodels.play.scenes import DreamScene, GameScene
from worldmodels.play.session import Session
from worldmodels.play.window import Window, connect
from worldmodels.settings import PlaySettings
from worldmodels.stages.agents import agent_job
from worldmodels.stages.context import Context
from worldmodels.worlds.compilation import warm_up
from worldmodels.worlds.dream import DreamWorld
from worldmodels.worlds.world import World

ENDLESS = 1 << 30  # steps of a dream whose M does not know the end


def plan(context: Context, settings: PlaySettings) -> str:
    """What would be done, for --dry-run. Raises UsageError for an unknown world."""
    _check_world(context, settings.world)
    return f"open a window on the {settings.world} world of {context.experiment.title}"


def play(context: Context, settings: PlaySettings, needs_agent: bool) -> None:
    """Play until the window is closed.

    Raises WorldModelsError without a display, and for a missing agent if one `needs_agent` or is
    to dream.
    """
    _check_world(context, settings.world)
    pygame = connect()
    with one_thread(), contextlib.ExitStack() as stack:
        stack.callback(pygame.quit)
        mind = _load_mind(context, settings, needs_agent)
        game = dream = None
        if settings.world != DREAM:
            world = _make_world(context, settings.world)
            stack.callback(world.close)
            game = GameScene(settings.world, world, mind)
        if mind is not None and mind.can_dream:
            dream = _make_dream(context, settings, mind)
        films = (context.run if context.run.is_dir() else Path()) / "render"
        experiment = context.experiment
        session = Session(experiment, mind, game, dream, settings.seed, settings.temperature, films)
        stack.callback(session.close)
        title, rate = f"wm play: {experiment.title}", experiment.frames_per_s
        Window(pygame, session, title, rate, settings.scale).run()


def _check_world(context: Context, world: str) -> None:
    known = [*context.experiment.worlds, DREAM]
    if world not in known:
        raise UsageError(
            f"{context.experiment.name} has no world {world!r}{nearest(world, known)} "
            f"It has: {', '.join(known)}."
        )


def _load_mind(context: Context, settings: PlaySettings, needs_agent: bool) -> Mind | None:
    """The agent; V and M alone where no C has been searched yet; or None."""
    device, experiment = resolve_device(context.device), context.experiment
    ctrl = context.input("ctrl")
    if (ctrl.path / CONTROLLER).is_file():
        dreaming = Dreaming(settings.temperature) if settings.world == DREAM else None
        controller, job = agent_job(context, OFFICIAL, 1, dreaming)
        return Mind(load_vae(job.vae, device), job.load_rnn(device), controller, experiment.squash)
    parts = [context.input(name) for name in ("vae", "rnn")]
    if settings.world == DREAM or all(part.is_done for part in parts):
        vae_folder, rnn_folder = (part.require() for part in parts)
        vae, rnn = load_vae(vae_folder, device), load_rnn(rnn_folder, device)
        sizes = (rnn.sizes.latent, rnn.sizes.action, rnn.sizes.done_head)
        if sizes != (vae.sizes.latent, experiment.action_size, experiment.done_head):
            raise WorldModelsError(
                f"{vae_folder} and {rnn_folder} do not fit together and {experiment.name}: they "
                f"belong to another agent or game."
            )
        return Mind(vae, rnn, None, experiment.squash)
    if needs_agent:
        ctrl.require()
    print(f"{ctrl.path} does not exist: you play without an agent.", file=sys.stderr, flush=True)
    return None


def _make_world(context: Context, kind: str) -> World:
    world = context.experiment.make_world(WorldRequest(kind, 1, context.game, render=True))
    if kind != OFFICIAL:
        warm_up(world, kind)
    return world


def _make_dream(context: Context, settings: PlaySettings, mind: Mind) -> DreamScene:
    experiment = context.experiment
    world = DreamWorld(
        mind.rnn,
        load_first_latents(context.input("rnn").path),
        experiment.action_space(),
        1,
        temperature=settings.temperature,
        max_episode_steps=experiment.max_steps(context.game) if experiment.done_head else ENDLESS,
        vae=mind.vae,
        autoreset_mode="Disabled",
    )
    return DreamScene(world, mind)
