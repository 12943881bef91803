"""The chapters of a run's page: what is there is shown, and what is not, is named."""

from __future__ import annotations

from collections.abc import Iterator

from worldmodels.data.series import load_series
from worldmodels.data.weights import (
    CONTROLLER,
    WEIGHTS,
    load_controller,
    load_first_latents,
    load_rnn,
    load_vae,
)
from worldmodels.evolution.fitness import DREAM
from worldmodels.metrics import counted
from worldmodels.models.rnn import Rnn
from worldmodels.models.vae import Vae
from worldmodels.report.page.blocks import Block, Film, Illustration, Paragraph, missing
from worldmodels.report.page.dreaming import EVERY, played_dreams, recorded_dreams
from worldmodels.report.page.horizon import HorizonError, horizon_chart, horizon_error
from worldmodels.report.page.latents import reconstructions, traversal
from worldmodels.report.page.learning import Search, learning_curves
from worldmodels.report.page.results import results_table
from worldmodels.report.page.returns import returns_histogram
from worldmodels.report.page.runs import Run
from worldmodels.report.page.training import rnn_curves, vae_curves
from worldmodels.report.progress import read_history

EVALUATIONS = (  # artifact, who played, and the flags of `wm eval` that ask for it
    ("eval", "this agent", ()),
    ("eval-random", "random policy, measured here", ("--random",)),
    ("eval-dream", "this agent, in its dream", ("--dream",)),
)
FILM = "render/seed-*/episode.mp4"
LARGEST_FILM = 16 << 20  # bytes; the page carries the film with it


def scores(run: Run) -> Iterator[Block]:
    """The table of scores, and how the returns are distributed."""
    experiment = run.experiment
    found = [
        (name, flags, run.evaluation(artifact))
        for artifact, name, flags in EVALUATIONS
        if experiment.done_head or "--dream" not in flags
    ]
    rows = [
        (f"this agent, in {e.played_in}" if "--dream" in flags else name, e.summary)
        for name, flags, e in found
        if e is not None
    ]
    yield results_table(experiment, rows)
    yield Paragraph(
        "Dot: mean return. Thin line: standard deviation over episodes. Thick line: 95 % bootstrap "
        "interval of the mean. Dashed: the mark from which the game counts as solved.",
        "small",
    )
    for name, flags, evaluation in found:
        if evaluation is None:
            yield missing(f"No score of {name}", run.command("eval", *flags))
    played = run.evaluation("eval")
    if played is not None:
        paper = experiment.scores[0] if experiment.scores else None
        yield Illustration(
            [returns_histogram(played.returns, experiment.solved, paper)],
            f"Returns of the evaluation's {counted(len(played.returns), 'episode')}, each a dot "
            f"below the histogram. Played in {played.played_in}.",
        )


def film(run: Run) -> Iterator[Block]:
    """An episode that was filmed."""
    paths = sorted(run.folder.glob(FILM))
    if not paths:
        yield missing("No film", run.command("render"))
        return
    if paths[0].stat().st_size > LARGEST_FILM:
        yield Paragraph(f"The film {paths[0]} is too large for this page.", "missing")
        return
    seed = paths[0].parent.name.removeprefix("seed-")
    yield Film(
        paths[0].read_bytes(),
        f"An episode of the official game, seed {seed}: the game, the frame that V is given, what "
        f"V makes of it, and M's dream of the same actions from the same start.",
    )


def search(run: Run) -> Iterator[Block]:
    """The search of C."""
    history = read_history(run.path("ctrl"))
    if history is None:
        yield missing("No search of C", run.command("train-ctrl"))
        return
    settings, experiment = run.config.train_ctrl, run.experiment
    where = "M's dream" if settings.world == DREAM else f"the {settings.world} world"
    text = (
        f"CMA-ES searches C in {where}: {settings.population} candidates a generation, each worth "
        f"its mean return over {counted(settings.episodes, 'episode')}; every "
        f"{counted(settings.evaluate_every, 'generation')} the mean of the search distribution "
        f"plays {counted(settings.evaluate_episodes, 'episode')} that stay the same."
    )
    if history.earlier:
        text += f" It took up the C of another search, whose {history.earlier:,} generations are "
        text += "drawn before its own."
    if not run.has("ctrl"):
        last = history.generation[-1] - history.earlier
        text += f" The search is not finished: generation {last:g} of "
        text += f"{settings.generations:,} is the last so far."
    yield Paragraph(text)
    caption = "Return of C while it is searched"
    if any((settings.patience, settings.max_steps, settings.curriculum)):
        caption += ", whose training episodes may be cut short, unlike those of the evaluations"
    caption += "."
    if experiment.learning_curve is not None:
        curve = experiment.learning_curve
        end = curve.points[-1]
        caption += (
            f" Open circles: {curve.name}, evaluations of its mean ({curve.source}); it reached "
            f"{end.score:g} in generation {end.generation:,}."
        )
    mark = None if settings.world == DREAM else experiment.solved
    yield Illustration(learning_curves([Search(run.name, history)], experiment, mark), caption)


def vision(run: Run) -> Iterator[Block]:
    """V: how it was trained, what it keeps of a frame, and what its dimensions stand for."""
    charts = vae_curves([(run.name, run.path("vae"))])
    vae = _vae(run)
    if vae is not None:
        count = sum(p.numel() for p in vae.parameters())
        yield Paragraph(
            f"V, a variational autoencoder of {count:,} parameters, turns a frame of 64x64 pixels "
            f"into z, {vae.sizes.latent} numbers, and back."
        )
    if charts:
        yield Illustration(charts, "Training of V.")
    if vae is None:
        yield missing("No finished V", run.command("train-vae"))
        return
    held_out = run.config.train_vae.validation_episodes
    strips = reconstructions(vae, run.path("episodes"), held_out)
    if strips is None:
        yield missing("No recorded frames to reconstruct", run.command("extract"))
    else:
        yield Illustration([strips], "Frames of episodes that V was not trained on.")
    if not run.has("series"):
        yield missing("No series to find V's busiest dimensions in", run.command("encode"))
        return
    yield Illustration(
        [traversal(vae, load_series(run.path("series")))],
        "Single dimensions of z from −3 to 3, the others at their average over recorded frames. "
        "These tell most about a frame: their mean KL divergence, in nats, is the largest.",
    )


def memory(run: Run) -> Iterator[Block]:
    """M: how it was trained, how far it sees, and what it dreams."""
    charts = rnn_curves([(run.name, run.path("rnn"))], run.experiment.done_head)
    rnn = _rnn(run)
    if rnn is not None:
        # The LSTM's second bias is zero and was not trained.
        count = sum(p.numel() for name, p in rnn.named_parameters() if "bias_hh" not in name)
        yield Paragraph(
            f"M, an LSTM of {rnn.sizes.hidden} cells and {count:,} parameters in all, predicts the "
            f"next z from the present one and the action: for each dimension a mixture of "
            f"{rnn.sizes.mixtures} Gaussians."
        )
    if charts:
        yield Illustration(charts, "Training of M.")
    if rnn is None:
        yield missing("No finished M", run.command("train-rnn"))
        return
    if run.has("series"):
        series = load_series(run.path("series"))[-run.config.train_rnn.validation_episodes :]
        error = horizon_error(rnn, series)
        if error is not None:
            yield Illustration([horizon_chart(error)], _said_of(error))
    else:
        yield missing("No series to test M's predictions on", run.command("encode"))
    yield from _dreams(run, rnn)


def _said_of(error: HorizonError) -> str:
    steps = sorted({step for step in (1, 10, 50, len(error.model)) if step <= len(error.model)})
    numbers = ", ".join(
        f"{error.model[step - 1]:.2f} ({error.still[step - 1]:.2f}) at {step}" for step in steps
    )
    return (
        f"How far M sees. It reads a held-out episode and then goes on alone, from its own mean "
        f"prediction and the recorded actions; mean over {error.starts} starts, quartiles shaded. "
        f"Error of M (of expecting no change): {numbers} steps ahead."
    )


def _dreams(run: Run, rnn: Rnn) -> Iterator[Block]:
    vae, space = _vae(run), run.experiment.action_space()
    if vae is None:
        return
    ctrl = run.path("ctrl")
    controller = load_controller(ctrl) if (ctrl / CONTROLLER).is_file() else None
    if run.experiment.done_head and controller is not None and controller.trained_rnn:
        first = load_first_latents(run.path("rnn"))
        strips = played_dreams(vae, rnn, first, controller, run.experiment.squash, space)
        who = "in which C acts, until M says that the episode ends"
    elif run.has("series"):
        held_out = load_series(run.path("series"))[-1]
        strips = recorded_dreams(vae, rnn, held_out, space)
        who = "under the recorded actions, below what V makes of the recorded frames"
    else:
        return
    yield Illustration(
        [strips],
        f"Dreams from one start at several temperatures τ, {who}; a frame every {EVERY} steps.",
    )


def _vae(run: Run) -> Vae | None:
    path = run.path("vae")
    return load_vae(path, "cpu") if (path / WEIGHTS).is_file() else None


def _rnn(run: Run) -> Rnn | None:
    path = run.path("rnn")
    return load_rnn(path, "cpu") if (path / WEIGHTS).is_file() else None
