"""Row `v-training`: training V on recorded frames."""

from __future__ import annotations

import numpy as np

from benchmarks.measure import Row, in_turns
from benchmarks.references.vae_training import PlainVaeTraining
from benchmarks.training import ShortTrainings
from benchmarks.workplace import Workplace, changed_config, record
from worldmodels.data.episodes import load_episode
from worldmodels.data.frames import FRAME_BYTES
from worldmodels.device import resolve_device, resolve_precision
from worldmodels.stages import train_vae

VALIDATION_EPISODES = 2
BLOCKS = 4  # that the frames are cut into, so that some are loaded meanwhile, as in long trainings
PLAIN_BATCH = 100  # the paper's


def measure(place: Workplace) -> list[Row]:
    """`wm train-vae carracing-first` on few episodes, at its batch size and precision."""
    episodes, length = place.pick((22, 250), (12, 65))
    folder = record(place, episodes, length)
    training = (episodes - VALIDATION_EPISODES) * (length + 1)
    batch_size = changed_config("carracing-first").train_vae.batch_size
    steps = training // batch_size
    changes = {
        "epochs": 1,
        "validation_episodes": VALIDATION_EPISODES,
        "shuffle_gib": 2 * training * FRAME_BYTES / BLOCKS / 2**30,
        "report_every": max(steps // 4, 1),
    }
    config = changed_config("carracing-first", train_vae=changes)
    device = resolve_device(place.device)
    frames = np.concatenate([load_episode(path).frame for path in sorted(folder.glob("*.npz"))])
    plain = PlainVaeTraining(frames, config.train_vae.latent, PLAIN_BATCH, device)
    plain(1)
    rates = in_turns(
        lambda: plain(place.pick(10, 2)),
        ShortTrainings(place, train_vae, config, batch_size),
        rounds=place.pick(4, 2),
        warm_up=False,
    )
    precision = str(resolve_precision(config.train_vae.precision, device)).removeprefix("torch.")
    return [
        Row(
            name="v-training",
            subject=f"training V, batch {batch_size}, {precision}, frames from disk",
            reference=f"plain PyTorch, batch {PLAIN_BATCH}, float32, frames in memory",
            unit="frames/s",
            rates=rates,
            goal="1.5x, better 2x",
        )
    ]
