"""Recorded episodes: one `.npz` file each."""

from __future__ import annotations

import errno
import re
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from worldmodels.data.archive import save_npz
from worldmodels.errors import WorldModelsError

DAMAGED = (  # what zipfile and NumPy raise for one flipped bit or another
    *(zipfile.BadZipFile, zlib.error, struct.error, tokenize.TokenError),
    *(ValueError, LookupError, EOFError, OSError, RuntimeError, SyntaxError),
)
DAMAGE_ERRNOS = (None, errno.EINVAL, errno.EIO)  # of OSError; others say nothing of the content
BAD_SHARE = 0.01  # of damaged files that a data set may have
NAME = re.compile(r"\d{6,}\.npz")
MOST_NAMES = 5  # in a message


@dataclass(frozen=True)
class Episode:
    """T actions and the T + 1 frames around them."""

    # `frames` is T + 1; the sum itself cannot be enforced on the field that comes first.
    frame: UInt8[np.ndarray, "frames 64 64 3"]
    action: Float[np.ndarray, "frames-1 A"]
    reward: Float[np.ndarray, " frames-1"]
    terminated: bool
    truncated: bool
    seed: int

    @property
    def steps(self) -> int:
        """T."""
        return len(self.reward)


@dataclass(frozen=True)
class EpisodeIndex:
    """The good files of a folder of episodes, in order, and how long each is."""

    paths: tuple[Path, ...]
    steps: tuple[int, ...]

    @property
    def frames(self) -> int:
        """Frames in all: an episode of T steps has T + 1."""
        return sum(self.steps) + len(self.steps)

    def split(self, held_out: int) -> tuple[EpisodeIndex, EpisodeIndex]:
        """All but the last `held_out` episodes, and those. Raises WorldModelsError if none stay."""
        check_held_out(len(self.paths), held_out)
        cut = len(self.paths) - held_out
        return (
            EpisodeIndex(self.paths[:cut], self.steps[:cut]),
            EpisodeIndex(self.paths[cut:], self.steps[cut:]),
        )


def check_held_out(episodes: int, held_out: int) -> None:
    """Raise WorldModelsError unless some of the `episodes` are held out, and some are not."""
    if held_out < 1:
        raise WorldModelsError("--validation-episodes must be at least 1.")
    if held_out >= episodes:
        raise WorldModelsError(
            f"{episodes} episodes are too few to hold out {held_out} of them: record more with "
            f"`wm extract --episodes`, or lower --validation-episodes."
        )


def episode_path(folder: Path, number: int) -> Path:
    """Where episode `number` lies."""
    return folder / f"{number:06d}.npz"


def list_episodes(folder: Path) -> dict[int, Path]:
    """The files of recorded episodes by number, in order, whether they are damaged or not.

    Raises WorldModelsError for what else is called .npz, such as second copies: whether they are to
    be learnt from is for the user to say.
    """
    paths = list(folder.glob("[!.]*.npz"))
    odd = sorted(path for path in paths if not (NAME.fullmatch(path.name) and path.is_file()))
    if odd:
        raise WorldModelsError(
            f"{folder} holds more than the files that wm extract records (000000.npz, 000001.npz, "
            f"...): {_listed(odd)}. Move away what does not belong there."
        )
    return dict(sorted((int(path.stem), path) for path in paths))


def _listed(paths: Sequence[Path]) -> str:
    """The first names, for a message."""
    names = ", ".join(path.name for path in paths[:MOST_NAMES])
    return names + (", ..." if len(paths) > MOST_NAMES else "")


def save_episode(path: Path, episode: Episode) -> None:
    """Write an episode, whole or not at all."""
    arrays = {
        "frame": episode.frame,
        "action": episode.action.astype(np.float32),
        "reward": episode.reward.astype(np.float32),
        "terminated": np.array(episode.terminated),
        "truncated": np.array(episode.truncated),
        "seed": np.array(episode.seed, np.int64),
    }
    save_npz(path, arrays, compress=True)


def load_episode(path: Path) -> Episode:
    """Read an episode. Raises WorldModelsError naming a damaged file."""
    try:
        # Opened here, because np.load leaves the file of a damaged archive open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return Episode(
                frame=archive["frame"],
                action=archive["action"],
                reward=archive["reward"],
                terminated=bool(archive["terminated"]),
                truncated=bool(archive["truncated"]),
                seed=int(archive["seed"]),
            )
    except DAMAGED as error:
        reraise_unless_damage(error)
        raise WorldModelsError(
            f"{path} is damaged ({error}): remove it and run `wm extract` again to record it anew."
        ) from error


def reraise_unless_damage(error: Exception) -> None:
    """Raise `error`, one of DAMAGED, if it is about access to a file rather than its content."""
    if isinstance(error, OSError) and error.errno not in DAMAGE_ERRNOS:
        raise error


def count_steps(path: Path) -> int | None:
    """T of a recorded episode, or None if the file is damaged. Reads little of it."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            if not {"frame.npy", "action.npy", "reward.npy", "seed.npy"} <= names:
                return None
            with archive.open("reward.npy") as member:
                return len(np.lib.format.read_array(member, allow_pickle=False))
    except DAMAGED as error:
        reraise_unless_damage(error)
        return None


def scan_episodes(folder: Path) -> tuple[EpisodeIndex, tuple[Path, ...]]:
    """The good episodes of `folder`, and the damaged files among them.

    Raises WorldModelsError if there are none, or if more than one in a hundred is damaged.
    """
    paths = tuple(list_episodes(folder).values())
    with ThreadPoolExecutor(8) as threads:
        steps = list(threads.map(count_steps, paths))
    bad = tuple(path for path, count in zip(paths, steps, strict=True) if count is None)
    if not paths:
        raise WorldModelsError(f"{folder} holds no episodes: run `wm extract` first.")
    if len(bad) > BAD_SHARE * len(paths):
        raise WorldModelsError(
            f"damaged in {folder}: {len(bad)} of {len(paths)} episodes "
            f"({_listed(bad)}). Run `wm extract` again, which records what is damaged anew."
        )
    good = [(path, count) for path, count in zip(paths, steps, strict=True) if count is not None]
    return EpisodeIndex(tuple(p for p, _ in good), tuple(c for _, c in good)), bad
