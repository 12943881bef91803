"""Where two worlds that were driven with the same actions agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from worldmodels.data.drives import Drive


@dataclass(frozen=True)
class Agreement:
    """A number that both worlds have at every step, or of every episode."""

    equal: int  # times that it was exactly the same ...
    count: int  # ... of so many
    largest: float  # difference


@dataclass(frozen=True)
class FrameError:
    """The difference of frames, in grey levels of 255 averaged over a frame's pixels."""

    mean: float
    worst: float
    seed: int  # of the episode of the worst frame, and ...
    step: int  # ... when it was seen; 0 is the reset


@dataclass(frozen=True)
class Comparison:
    """Several drives in both worlds."""

    rewards: Agreement  # of steps
    ends: Agreement  # of episodes: length, terminated, truncated; differences are of the length
    drift: Mapping[str, Agreement]  # of frames; named by a quantity that ends in its unit
    first_second: FrameError
    afterwards: FrameError | None  # None where no episode is that long


def compare(drives: Sequence[Drive], frames_per_s: int) -> Comparison:
    """Pool all steps of all `drives`. Raises ValueError if there are none."""
    if not drives:
        raise ValueError("there are no drives to compare")
    reward = np.concatenate([np.abs(drive.reward[0] - drive.reward[1]) for drive in drives])
    lengths = np.array([drive.length for drive in drives])
    return Comparison(
        rewards=_agreement(reward),
        ends=Agreement(
            equal=sum(map(_ends_alike, drives)),
            count=len(drives),
            largest=float(np.abs(lengths[:, 0] - lengths[:, 1]).max()),
        ),
        drift={
            name: _agreement(np.concatenate([drive.drift[name] for drive in drives]))
            for name in drives[0].drift
        },
        first_second=_frame_error(drives, 0, frames_per_s),
        afterwards=_frame_error(drives, frames_per_s, None)
        if any(len(drive.pixel_error) > frames_per_s for drive in drives)
        else None,
    )


def _ends_alike(drive: Drive) -> bool:
    """Whether both worlds ended at the same step for the same reason."""
    ends = (drive.length, drive.terminated, drive.truncated)
    return all(official == other for official, other in ends)


def _agreement(difference: np.ndarray) -> Agreement:
    return Agreement(int((difference == 0).sum()), difference.size, float(difference.max()))


def _frame_error(drives: Sequence[Drive], start: int, stop: int | None) -> FrameError:
    errors = [drive.pixel_error[start:stop] for drive in drives]
    worst = max(
        (drive for drive, error in zip(drives, errors, strict=True) if error.size),
        key=lambda drive: drive.pixel_error[start:stop].max(),
    )
    step = start + int(worst.pixel_error[start:stop].argmax())
    return FrameError(
        mean=float(np.concatenate(errors).mean()),
        worst=float(worst.pixel_error[step]),
        seed=worst.seed,
        step=step,
    )
