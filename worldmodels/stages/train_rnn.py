"""`wm train-rnn`: train M on series of latents."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch import Tensor

from worldmodels import seeding
from worldmodels.data.episodes import check_held_out
from worldmodels.data.series import (
    EpisodeSampler,
    Sequences,
    Series,
    StreamSampler,
    load_series,
    whole_episodes,
)
from worldmodels.data.weights import load_vae, save_first_latents, save_network
from worldmodels.device import resolve_device, resolve_precision
from worldmodels.errors import UsageError
from worldmodels.models.rnn import Memory, Rnn, RnnSizes, rnn_loss
from worldmodels.models.vae import Vae, to_frame
from worldmodels.report.pictures import save_grid
from worldmodels.rundir import PREVIOUS, Artifact
from worldmodels.settings import TrainRnnSettings
from worldmodels.stages.agents import check_start, take_up
from worldmodels.stages.context import Context
from worldmodels.stages.training import CHECKPOINT, train
from worldmodels.worlds.dream import DreamWorld, FirstLatents

SECTION = "train_rnn"
REPLACES = False
RECHECKS = False

VALIDATION_ROWS = 16  # episodes in a validation
MOST_FIRST_LATENTS = 2000
STRIP_FRAMES = 12
STRIP_EVERY = 8  # steps between the frames of the dream's picture


def needs(context: Context) -> tuple[str, ...]:
    """The series, those of earlier rounds included, and V to draw the dream with."""
    there = (name for name in _replayed(context) if context.input(name).path.exists())
    return ("vae", "series", *there)


def _replayed(context: Context) -> tuple[str, ...]:
    rounds = range(1, context.config.train_rnn.replay_rounds + 1)
    return tuple(f"{PREVIOUS}/" * number + "series" for number in rounds)


def makes(context: Context) -> str:
    """M."""
    return "rnn"


def sizes(context: Context, latent: int) -> RnnSizes:
    """M's sizes for this game and config."""
    settings = context.config.train_rnn
    return RnnSizes(
        latent,
        context.experiment.action_size,
        settings.hidden,
        settings.mixtures,
        context.experiment.done_head,
    )


def start_seed(context: Context) -> int:
    """The seed of M's random start, which a search with an untrained M uses too."""
    return seeding.derive(context.config.seed, "train-rnn", "start")


def check(context: Context) -> None:
    """The M to begin with is there, and all series are of one V."""
    check_start(context, SECTION, makes(context), CHECKPOINT)
    own = context.input("series")
    for name in _replayed(context):
        earlier = context.input(name)
        if not earlier.path.exists():
            raise UsageError(
                f"--replay-rounds: there is no {earlier.path} of a round before. Each lies in the "
                f"folder {PREVIOUS} of the next one's run: `wm run` makes it, if the config names "
                f"one (previous = ...)."
            )
        if _coder(earlier) != _coder(own):
            raise UsageError(
                f"{earlier.path} was encoded by another V than {own.path}: "
                f"M can learn from both (--replay-rounds) only where train-vae has taken the V of "
                f"the round before as it is (--start previous --epochs 0)."
            )


def _coder(series: Artifact) -> str:
    """The fingerprint of the V whose latents they are."""
    return str(series.facts["settings"]["input:vae"])


def plan(context: Context) -> list[str]:
    """How many steps."""
    settings = context.config.train_rnn
    return [
        f"train M for {settings.num_steps:,} steps of {settings.batch_size} x "
        f"{settings.sequence_length} transitions on {resolve_device(context.device)}"
    ]


def run(context: Context, artifact: Artifact) -> dict[str, Any]:
    """Train M; writes model.safetensors, model.json, the dream's first latents and a picture."""
    settings = context.config.train_rnn
    series = load_series(context.input("series").path)
    held_out = settings.validation_episodes
    check_held_out(len(series), held_out)
    longest = max(each.steps for each in series)
    if settings.sampling == "episodes" and settings.sequence_length < longest:
        seen = f"the first {settings.sequence_length} steps of each episode, of up to {longest:,}"
        note = f"train-rnn: M sees only {seen}; --sampling streams shows it all of them."
        print(note, file=sys.stderr)
    training = series[: len(series) - held_out]
    for name in _replayed(context):
        training += load_series(context.input(name).path)
    trainee = _RnnTrainee(context, training, series[-held_out:])
    with trainee:
        row = train(trainee, artifact, context.checkpoint_s)
    save_network(artifact.path, trainee.network)
    first = FirstLatents(
        np.stack([s.mean[0] for s in series[:MOST_FIRST_LATENTS]]).astype(np.float32),
        np.stack([s.logvar[0] for s in series[:MOST_FIRST_LATENTS]]).astype(np.float32),
    )
    save_first_latents(artifact.path, first)
    vae = load_vae(context.input("vae").path, trainee.device)
    _draw_dream(context, artifact, trainee.network, vae, series[-1], first)
    everything = training + series[-held_out:]
    return {"episodes": len(everything), "transitions": sum(s.steps for s in everything), **row}


class _RnnTrainee:
    """M, as the training loop sees it."""

    name = "train-rnn"

    def __init__(
        self, context: Context, training: Sequence[Series], held_out: Sequence[Series]
    ) -> None:
        settings: TrainRnnSettings = context.config.train_rnn
        self._settings, self._context = settings, context
        self._seed = seeding.derive(context.config.seed, "train-rnn")
        self.device = resolve_device(context.device)
        self._precision = resolve_precision(settings.precision, self.device)
        sampler = EpisodeSampler if settings.sampling == "episodes" else StreamSampler
        self._sampler = sampler(training, settings.batch_size, settings.sequence_length, self._seed)
        held_out = held_out[:VALIDATION_ROWS]
        # To their end, however short the sequences are: what M learnt only of starts must show.
        self._validation = whole_episodes(held_out, max(series.steps for series in held_out))
        self.num_steps = settings.num_steps
        self.report_every = settings.report_every
        self.gradient_clip: float | None = settings.gradient_clip
        with seeding.torch_seeded(start_seed(context)):
            self.network = Rnn(sizes(context, training[0].mean.shape[1])).to(self.device)
        self._memory = self.network.start(settings.batch_size)
        self._ahead = ThreadPoolExecutor(1)
        self._next: Future[Sequences] | None = None

    def __enter__(self) -> _RnnTrainee:
        return self

    def __exit__(self, *error: object) -> None:
        self._ahead.shutdown()

    def learning_rate(self, step: int) -> float:
        """A falling power, as in the original."""
        return self._settings.learning_rate * self._settings.learning_rate_decay**step

    def start(self, step: int, extra: dict[str, Any] | None) -> None:
        """Take up the memory that streams carry over, or at first another's weights."""
        if extra is None and self._settings.start:
            take_up(self.network, self._settings.start, "rnn", self._context)
        if extra is not None:
            self._memory = Memory(extra["h"].to(self.device), extra["c"].to(self.device))

    def extra_state(self) -> dict[str, Any]:
        """The memory that streams carry over."""
        return {"h": self._memory.h, "c": self._memory.c}

    def losses(self, step: int) -> dict[str, Tensor]:
        """M's loss on the next batch."""
        batch = self._next.result() if self._next is not None else self._sampler.batch(step)
        # The next batch is gathered while this one is computed on.
        self._next = None
        if step + 1 < self.num_steps:
            self._next = self._ahead.submit(self._sampler.batch, step + 1)
        if not self._sampler.carries_over(step):
            self._memory = self.network.start(len(batch.mask))
        generator = seeding.torch_generator(self.device, self._seed, "noise", step)
        with torch.autocast(
            self.device.type, self._precision, enabled=self._precision != torch.float32
        ):
            losses, memory = self._losses(batch, self._memory, generator)
        self._memory = Memory(memory.h.detach().float(), memory.c.detach().float())
        return losses

    def _losses(
        self, batch: Sequences, memory: Memory, generator: torch.Generator
    ) -> tuple[dict[str, Tensor], Memory]:
        rows, length, latent = batch.mean.shape
        # One draw a frame: as the target of a step it is the same as at the input of the next.
        noise = torch.randn(rows, length + 1, latent, generator=generator, device=self.device)
        z = _sampled(batch.mean, batch.logvar, noise[:, :-1])
        next_z = _sampled(batch.next_mean, batch.next_logvar, noise[:, 1:])
        out, memory = self.network.unroll(
            z,
            torch.as_tensor(batch.action, device=self.device),
            torch.as_tensor(batch.starts, device=self.device),
            memory,
        )
        loss = rnn_loss(
            self.network.predict(out),
            next_z,
            torch.as_tensor(batch.done, device=self.device),
            torch.as_tensor(batch.mask, device=self.device),
            self._settings.done_weight,
        )
        losses = {"loss": loss.total, "latent_nll": loss.latent}
        if self.network.sizes.done_head:
            losses["done"] = loss.done
        return losses, memory

    @torch.no_grad()
    def report(self, step: int) -> dict[str, float]:
        """The loss on held-out episodes."""
        generator = seeding.torch_generator(self.device, self._seed, "validation")
        start = self.network.start(len(self._validation.mask))
        losses, _ = self._losses(self._validation, start, generator)
        return {f"validation_{name}": float(value) for name, value in losses.items()}


def _sampled(mean: np.ndarray, logvar: np.ndarray, noise: Tensor) -> Tensor:
    """A sample of V's posterior from its float16 record."""
    centre, spread = (
        torch.as_tensor(part, device=noise.device).to(noise.dtype) for part in (mean, logvar)
    )
    return centre + torch.exp(spread / 2) * noise


@torch.no_grad()
def _draw_dream(
    context: Context,
    artifact: Artifact,
    rnn: Rnn,
    vae: Vae,
    series: Series,
    first: FirstLatents,
) -> None:
    """Picture of a recorded episode over M's dream of it: same start, same actions, tau = 1."""
    device = rnn.head.weight.device
    actions = np.array(series.action)  # torch takes no read-only views of a file
    length = min(STRIP_FRAMES * STRIP_EVERY, series.steps)
    world = DreamWorld(
        rnn,
        first,
        context.experiment.action_space(),
        1,
        temperature=1.0,
        max_episode_steps=length + 1,
        vae=vae,
        autoreset_mode="Disabled",
    )
    world.reset(seed=[0])
    start = torch.as_tensor(np.array(series.mean[:1], np.float32), device=device)
    world.begin_at(np.array([0]), torch.zeros(1, dtype=torch.int64, device=device), start)
    dreamt = []
    for step in range(length):
        if step % STRIP_EVERY == 0:
            dreamt.append(to_frame(vae.decode(world.z))[0].cpu().numpy())
        world.step(actions[step : step + 1])
    shown = range(0, length, STRIP_EVERY)
    recorded = torch.as_tensor(series.mean[list(shown)], device=device, dtype=torch.float32)
    save_grid(
        artifact.path / "dream.png",
        [to_frame(vae.decode(recorded)).cpu().numpy(), np.stack(dreamt)],
        ["recorded", "dreamt"],
        columns=[f"step {step}" for step in shown],
    )
