"""The trained agent that evaluation and rendering take up."""

from __future__ import annotations

from pathlib import Path

from worldmodels.config import Config
from worldmodels.data.weights import (
    CONTROLLER,
    WEIGHTS,
    SavedController,
    check_partners,
    load_controller,
    load_rnn,
    load_vae,
)
from worldmodels.errors import UsageError, WorldModelsError
from worldmodels.evolution.fitness import AgentJob, Dreaming
from worldmodels.models.rnn import Rnn, RnnSizes
from worldmodels.models.vae import Vae
from worldmodels.rundir import PREVIOUS
from worldmodels.stages.context import MAKERS, Context

ZOO = Path(__file__).parents[1] / "zoo"


def agent_folder(name: str, config: Config, run: Path) -> Path:
    """Where an agent is, if it is there.

    `zoo` is the shipped one, `previous` that of the round before the run, all else a path.
    """
    return {"zoo": ZOO / config.experiment, PREVIOUS: run / PREVIOUS}.get(name, Path(name))


def find_agent(name: str, config: Config, run: Path, part: str = "ctrl") -> Path:
    """`agent_folder`, of which `part` is wanted.

    Raises UsageError where there is none, or one that is not trained yet.
    """
    folder = agent_folder(name, config, run)
    if name == "zoo" and not folder.is_dir():
        raise UsageError(
            f"no trained agent of {config.experiment} is shipped with this version: train one with "
            f"`wm run`, and name its run folder with --run or --agent."
        )
    if name == PREVIOUS and not (folder / part).is_dir():
        raise UsageError(
            f"there is no {folder / part} of a round before this one: `wm run` makes it, if the "
            f"config names one (previous = ...)."
        )
    if not (folder / part).is_dir():
        raise UsageError(f"there is no agent in {folder}: it has no folder {part}.")
    content = CONTROLLER if part == "ctrl" else WEIGHTS
    if not (folder / part / content).is_file():
        raise UsageError(
            f"{folder / part} has no {content} yet: let `wm {MAKERS[part]}` finish there first, "
            f"or name another agent."
        )
    return folder


def check_start(context: Context, section: str, part: str, checkpoint: str) -> None:
    """Raise UsageError unless what training is to begin with is there, or no longer needed."""
    start: str = getattr(context.config, section).start
    going_on = (context.output(part).path / checkpoint).exists()
    if start and not going_on:
        find_agent(start, context.config, context.run, part)


def take_up(network: Vae | Rnn, name: str, part: str, context: Context) -> None:
    """Give V or M the weights that it has in the agent `name`.

    Raises UsageError if they are of another size.
    """
    folder = find_agent(name, context.config, context.run, part) / part
    other = load_vae(folder, "cpu") if isinstance(network, Vae) else load_rnn(folder, "cpu")
    if other.sizes != network.sizes:
        raise UsageError(
            f"--start {name}: {folder} is of {other.sizes}, but this is to be of {network.sizes}."
        )
    network.load_state_dict(other.state_dict())


def agent_parts(context: Context) -> tuple[str, ...]:
    """The artifacts that the agent consists of: no M if C was trained beside an untrained one."""
    ctrl = context.input("ctrl")
    if ctrl.is_done and not load_controller(ctrl.path).trained_rnn:
        return ("vae", "ctrl")
    return ("vae", "rnn", "ctrl")


def agent_job(
    context: Context, world: str, slots: int, dreaming: Dreaming | None
) -> tuple[SavedController, AgentJob]:
    """C, and how to play episodes with it. Raises WorldModelsError for an agent that is no match.

    A dream needs a trained M.
    """
    ctrl = context.input("ctrl")
    controller = load_controller(ctrl.path)
    settings = context.config.train_rnn
    vae = load_vae(context.input("vae").path, "cpu").sizes
    if controller.trained_rnn:
        rnn = load_rnn(context.input("rnn").path, "cpu").sizes
    else:
        rnn = RnnSizes(
            vae.latent,
            controller.sizes.action,
            controller.sizes.memory,
            settings.mixtures,
            context.experiment.done_head,
        )
    asked = (controller.sizes.latent, controller.sizes.memory, controller.sizes.action)
    there = (vae.latent, rnn.hidden, context.experiment.action_size)
    if asked != there or rnn.done_head != context.experiment.done_head:
        raise WorldModelsError(
            f"{ctrl.path} was trained for z, h and action of {asked} numbers but V, M and "
            f"{context.experiment.name} have {there}: it belongs to another agent or game."
        )
    check_partners(ctrl.path, {name: context.input(name).path for name in ("vae", "rnn")})
    if dreaming is not None and not controller.trained_rnn:
        raise WorldModelsError(f"{ctrl.path} was trained beside an untrained M: it has no dream.")
    job = AgentJob(
        experiment=context.config.experiment,
        settings=context.game,
        world=world,
        vae=context.input("vae").path,
        rnn=context.input("rnn").path if controller.trained_rnn else None,
        rnn_sizes=None if controller.trained_rnn else rnn,
        rnn_seed=controller.rnn_seed,
        controller=controller.sizes,
        sample_latent=controller.sample_latent,
        slots=slots,
        dreaming=dreaming,
    )
    return controller, job
