"""What V keeps of a frame: reconstructions, and what single dimensions of z stand for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8

from worldmodels.data.episodes import list_episodes, load_episode
from worldmodels.data.series import Series
from worldmodels.models.vae import Posterior, Vae, to_frame, to_image
from worldmodels.report.page.strips import Row, Strips

NUM_FRAMES = 12
MOST_EPISODES = 4  # that reconstructed frames come from; each is decompressed whole
NUM_DIMENSIONS = 8
SWEEP = np.linspace(-3, 3, 11)  # values of z: standard deviations of the prior
MOST_SERIES = 64  # episodes, and ...
EVERY = 8  # steps, which the statistics of z are taken from


@torch.inference_mode()
def reconstructions(vae: Vae, episodes: Path, held_out: int) -> Strips | None:
    """Frames of the last `held_out` recorded episodes over what V makes of them.

    None without episodes. Raises WorldModelsError naming a damaged file.
    """
    paths = list(list_episodes(episodes).values())[-held_out:][-MOST_EPISODES:]
    if not paths:
        return None
    shares = np.array_split(np.linspace(0.1, 1, NUM_FRAMES), len(paths))
    frames = np.concatenate(
        [
            _spread(load_episode(path).frame, len(share))
            for path, share in zip(paths, shares, strict=True)
        ]
    )
    decoded = to_frame(vae.decode(vae.encode(to_image(torch.as_tensor(frames))).mean)).numpy()
    rows = [Row("recorded", frames), Row("reconstructed", decoded)]
    return Strips("reconstructions", rows, [""] * len(frames))


def _spread(frames: UInt8[np.ndarray, "T 64 64 3"], count: int) -> UInt8[np.ndarray, "N 64 64 3"]:
    """`count` frames spread over an episode, its first moments left out."""
    last = len(frames) - 1
    chosen: UInt8[np.ndarray, "N 64 64 3"]
    chosen = frames[np.linspace(last / (count + 1), last, count).astype(int)]
    return chosen


@torch.inference_mode()
def traversal(vae: Vae, series: Sequence[Series]) -> Strips:
    """Frames as single dimensions of z go from -3 to 3, the others staying at their average.

    The dimensions are those that tell most about a frame: whose KL divergence is largest.
    """
    mean, divergence = _statistics(series)
    chosen = np.argsort(-divergence)[:NUM_DIMENSIONS]
    rows = []
    for dimension in chosen.tolist():
        z = np.tile(mean, (len(SWEEP), 1))
        z[:, dimension] = SWEEP
        frames = to_frame(vae.decode(torch.as_tensor(z, dtype=torch.float32))).numpy()
        rows.append(Row(f"z{dimension}", frames, f"{divergence[dimension]:.2f} nats"))
    return Strips("traversal", rows, [f"{value:+.1f}" if value else "0" for value in SWEEP])


def _statistics(
    series: Sequence[Series],
) -> tuple[Float[np.ndarray, " Z"], Float[np.ndarray, " Z"]]:
    """The average of z over recorded frames, and the KL divergence of each dimension in nats."""
    chosen = [series[i] for i in np.linspace(0, len(series) - 1, MOST_SERIES).astype(int)]
    mean = np.concatenate([s.mean[::EVERY] for s in chosen]).astype(np.float32)
    logvar = np.concatenate([s.logvar[::EVERY] for s in chosen]).astype(np.float32)
    posterior = Posterior(torch.as_tensor(mean)[..., None], torch.as_tensor(logvar)[..., None])
    return mean.mean(0), posterior.kl().mean(0).numpy()
