"""Row `m-training`: training M on series of latents, for both games."""

from __future__ import annotations

import dataclasses

import numpy as np

from benchmarks.measure import Row, in_turns
from benchmarks.references.rnn_training import PlainRnnTraining
from benchmarks.training import ShortTrainings
from benchmarks.workplace import SEED, Workplace, changed_config, save_start
from worldmodels.config import Config
from worldmodels.data.series import Series, save_shard
from worldmodels.device import resolve_device, resolve_precision
from worldmodels.stages import train_rnn
from worldmodels.stages.context import Context

VALIDATION_EPISODES = 4
TITLES = {"carracing-first": "CarRacing", "doom-first": "TakeCover"}


def measure(place: Workplace) -> list[Row]:
    """A row for each game: their sizes, lengths and ways of cutting batches differ."""
    return [_measure(place, name) for name in TITLES]


def _measure(place: Workplace, name: str) -> Row:
    place = dataclasses.replace(place, folder=place.folder / name)
    changes = {"report_every": 2, "validation_episodes": VALIDATION_EPISODES}
    changes["num_steps"] = place.pick(6, 4)
    if place.quick:
        changes |= {"batch_size": 16, "sequence_length": 50}
    config = changed_config(name, train_rnn=changes)
    settings = config.train_rnn
    context = place.context(config, "base")
    save_start(context)
    save_series(context, lasting=_lengths(config))
    per_step = settings.batch_size * settings.sequence_length
    device = resolve_device(place.device)
    plain = PlainRnnTraining(
        train_rnn.sizes(context, config.train_vae.latent),
        settings.batch_size,
        settings.sequence_length,
        device,
    )
    plain(1)
    rates = in_turns(
        lambda: plain(place.pick(3, 2)),
        ShortTrainings(place, train_rnn, config, per_step),
        rounds=place.pick(3, 2),
        warm_up=False,
    )
    precision = str(resolve_precision(settings.precision, device)).removeprefix("torch.")
    shape = f"{settings.batch_size} x {settings.sequence_length}"
    return Row(
        name=f"m-training {TITLES[name]}",
        subject=f"training M of {TITLES[name]}, {shape}, {precision}",
        reference="plain PyTorch: nn.LSTM and MixtureSameFamily, float32, data in memory",
        unit="transitions/s",
        rates=rates,
    )


def _lengths(config: Config) -> np.ndarray:
    """Of enough episodes for every batch: whole ones, or short ones for streams."""
    settings = config.train_rnn
    if settings.sampling == "episodes":
        return np.full(2 * settings.batch_size + VALIDATION_EPISODES, settings.sequence_length)
    needed = (settings.num_steps + 1) * settings.batch_size * settings.sequence_length
    random = np.random.default_rng(SEED)
    return random.integers(100, 500, needed // 250 + VALIDATION_EPISODES)


def save_series(context: Context, lasting: np.ndarray) -> None:
    """Latents drawn at random as the finished artifact `series`: episodes of `lasting` steps."""
    random = np.random.default_rng(SEED)
    latent, actions = context.config.train_vae.latent, context.experiment.action_size

    def draw(rows: int, size: int) -> np.ndarray:
        return random.standard_normal((rows, size), dtype=np.float32)

    episodes = [
        Series(
            mean=draw(steps + 1, latent),
            logvar=draw(steps + 1, latent) - 3,
            action=draw(steps, actions).clip(-1, 1),
            reward=np.ones(steps, np.float32),
            terminated=True,
        )
        for steps in lasting.tolist()
    ]
    artifact = context.output("series")
    save_shard(artifact.path / "000000.npz", episodes)
    artifact.finish({}, {})
