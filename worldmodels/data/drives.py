"""Episodes of the same actions in two worlds: one `.npz` file each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from worldmodels.data.archive import save_npz
from worldmodels.data.episodes import DAMAGED, reraise_unless_damage

DRIFT = "drift_"  # before the name of a quantity in a file


@dataclass(frozen=True)
class Drive:
    """What the official world (row 0) and another one (row 1) made of the same actions.

    They are compared over the steps that both took, and the frames around those.
    """

    # `frames` is the number of steps + 1; see Episode.
    pixel_error: Float[np.ndarray, " frames"]  # mean absolute difference, grey levels of 255
    reward: Float[np.ndarray, "2 frames-1"]
    drift: Mapping[str, Float[np.ndarray, " frames"]]  # distance in what both worlds can tell
    length: Int[np.ndarray, " 2"]  # steps, of either
    terminated: Bool[np.ndarray, " 2"]
    truncated: Bool[np.ndarray, " 2"]  # neither: stopped by the limit on steps
    shown: Int[np.ndarray, " N"]  # steps whose frames are kept; the last is the worst one
    frame: UInt8[np.ndarray, "2 N 64 64 3"]
    seed: int


def drive_path(folder: Path, seed: int) -> Path:
    """Where the drive of `seed` lies."""
    return folder / f"{seed}.npz"


def save_drive(path: Path, drive: Drive) -> None:
    """Write a drive, whole or not at all."""
    arrays = {
        "pixel_error": drive.pixel_error,
        "reward": drive.reward,
        **{f"{DRIFT}{name}": distance for name, distance in drive.drift.items()},
        "length": drive.length,
        "terminated": drive.terminated,
        "truncated": drive.truncated,
        "shown": drive.shown,
        "frame": drive.frame,
        "seed": np.array(drive.seed, np.int64),
    }
    save_npz(path, arrays, compress=True)


def load_drive(path: Path) -> Drive | None:
    """Read a drive; None if there is none, or if the file is damaged."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return Drive(
                pixel_error=archive["pixel_error"],
                reward=archive["reward"],
                drift={
                    name.removeprefix(DRIFT): archive[name]
                    for name in archive.files
                    if name.startswith(DRIFT)
                },
                length=archive["length"],
                terminated=archive["terminated"],
                truncated=archive["truncated"],
                shown=archive["shown"],
                frame=archive["frame"],
                seed=int(archive["seed"]),
            )
    except FileNotFoundError:
        return None
    except DAMAGED as error:
        reraise_unless_damage(error)
        return None
