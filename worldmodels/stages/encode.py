"""`wm encode`: turn recorded frames into series of latents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from worldmodels.data.episodes import list_episodes, load_episode, scan_episodes
from worldmodels.data.series import Series, save_shard
from worldmodels.data.weights import load_vae
from worldmodels.metrics import Progress, counted
from worldmodels.models.encoder import Encode, make_encoder
from worldmodels.rundir import Artifact
from worldmodels.stages.context import Context

SECTION = "encode"
REPLACES = False
RECHECKS = True  # so that a lost file is made again


def needs(context: Context) -> tuple[str, ...]:
    """Recorded episodes and V."""
    return ("episodes", "vae")


def makes(context: Context) -> str:
    """The series."""
    return "series"


def check(context: Context) -> None:
    """Nothing but episodes is to be encoded."""
    list_episodes(context.input("episodes").path)


def plan(context: Context) -> list[str]:
    """How many episodes."""
    episodes = context.input("episodes")
    if not episodes.is_done:
        return [f"encode the episodes once {episodes.path} is there"]
    index, _ = scan_episodes(episodes.path)
    frames = counted(index.frames, "frame")
    return [f"encode {frames} of {counted(len(index.paths), 'episode')}"]


@dataclass(frozen=True)
class Shard:
    """Episodes that become one file."""

    path: Path
    episodes: tuple[Path, ...]


@dataclass(frozen=True)
class EncodeJob:
    """Encoding a shard a call."""

    vae: Path
    batch_size: int

    @property
    def has_networks(self) -> bool:
        """V computes."""
        return True

    def open(self, device: torch.device) -> Callable[[Shard], int]:
        """Load V; the function writes a shard and returns its number of frames."""
        posterior = make_encoder(load_vae(self.vae, device), self.batch_size)

        def encode(shard: Shard) -> int:
            series = []
            for path in shard.episodes:
                episode = load_episode(path)
                mean, logvar = encode_frames(posterior, episode.frame, self.batch_size)
                series.append(
                    Series(mean, logvar, episode.action, episode.reward, episode.terminated)
                )
            save_shard(shard.path, series)
            return sum(len(s.mean) for s in series)

        return encode


@torch.inference_mode()
def encode_frames(
    encode: Encode, frames: np.ndarray, batch_size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and log-variance (T+1, Z) of frames, in batches of one fixed size."""
    means, logvars = [], []
    for first in range(0, len(frames), batch_size):
        part = frames[first : first + batch_size]
        # Padded, so that a frame's latent does not depend on how many came with it.
        batch = np.zeros((batch_size, *frames.shape[1:]), np.uint8)
        batch[: len(part)] = part
        posterior = encode(batch)
        means.append(posterior.mean[: len(part)].cpu().numpy())
        logvars.append(posterior.logvar[: len(part)].cpu().numpy())
    return np.concatenate(means), np.concatenate(logvars)


def run(context: Context, artifact: Artifact) -> dict[str, Any]:
    """Encode the shards that are not there yet."""
    settings = context.config.encode
    index, bad = scan_episodes(context.input("episodes").path)
    shards = _shards(artifact.path, index.paths, settings.shard_episodes)
    missing = [shard for shard in shards if not shard.path.exists()]
    done = sum(len(shard.episodes) for shard in shards) - sum(len(s.episodes) for s in missing)
    job = EncodeJob(context.input("vae").path, settings.batch_size)
    frames = workers_mib = 0
    with Progress("encode", len(index.paths), "episode", done) as progress:
        if bad:
            names = ", ".join(path.name for path in bad)
            progress.say(f"encode: left out {counted(len(bad), 'damaged episode')}: {names}.")
        if missing:
            with context.pool(networks_only=True) as pool:
                for shard, count in zip(missing, pool.map(job, missing), strict=True):
                    frames += count
                    progress.update(len(shard.episodes), f"{frames:,} frames")
                workers_mib = pool.peak_memory_mib
    return {
        "episodes": len(index.paths),
        "frames": index.frames,
        "damaged_episodes": len(bad),
        "worker_peak_memory_mib": workers_mib,
    }


def _shards(folder: Path, episodes: Sequence[Path], size: int) -> list[Shard]:
    """Which episode goes into which file: by its number.

    An episode that is damaged leaves a gap, so that no other one moves to another file.
    """
    groups: dict[int, list[Path]] = {}
    for path in episodes:
        groups.setdefault(int(path.stem) // size, []).append(path)
    return [Shard(folder / f"{key:06d}.npz", tuple(paths)) for key, paths in groups.items()]
