"""Latent series: what V saw in each recorded episode, for training M."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from worldmodels import seeding
from worldmodels.data.archive import map_npz, save_npz
from worldmodels.data.episodes import DAMAGED, reraise_unless_damage
from worldmodels.errors import WorldModelsError


@dataclass(frozen=True)
class Series:
    """One episode as V's posteriors; the arrays may be views of a file."""

    mean: Float[np.ndarray, "frames Z"]  # float16; `frames` is T + 1
    logvar: Float[np.ndarray, "frames Z"]  # float16
    action: Float[np.ndarray, "frames-1 A"]
    reward: Float[np.ndarray, " frames-1"]
    terminated: bool

    @property
    def steps(self) -> int:
        """T."""
        return len(self.reward)


def save_shard(path: Path, series: Sequence[Series]) -> None:
    """Write several episodes, one after the other, into one file that can be memory-mapped."""
    arrays: dict[str, np.ndarray] = {
        "mean": np.concatenate([s.mean for s in series]).astype(np.float16),
        "logvar": np.concatenate([s.logvar for s in series]).astype(np.float16),
        "action": np.concatenate([s.action for s in series]).astype(np.float32),
        "reward": np.concatenate([s.reward for s in series]).astype(np.float32),
        "terminated": np.array([s.terminated for s in series]),
        "length": np.array([s.steps for s in series], np.int64),
    }
    save_npz(path, arrays, compress=False)


def load_series(folder: Path) -> list[Series]:
    """All episodes of a folder of shards, mapped, not read.

    Raises WorldModelsError naming a damaged file.
    """
    series = []
    for path in sorted(folder.glob("*.npz")):
        try:
            arrays = map_npz(path)
            frame = step = 0
            for number, steps in enumerate(arrays["length"].tolist()):
                frames = slice(frame, frame + steps + 1)
                moves = slice(step, step + steps)
                series.append(
                    Series(
                        arrays["mean"][frames],
                        arrays["logvar"][frames],
                        arrays["action"][moves],
                        arrays["reward"][moves],
                        bool(arrays["terminated"][number]),
                    )
                )
                frame, step = frame + steps + 1, step + steps
        except DAMAGED as error:
            reraise_unless_damage(error)
            raise WorldModelsError(
                f"{path} is damaged ({error}): remove {folder} and run `wm encode` again."
            ) from error
    if not series:
        raise WorldModelsError(f"{folder} holds no series: run `wm encode` first.")
    return series


@dataclass(frozen=True)
class Sequences:
    """A batch for M: B sequences of T transitions from one latent to the next."""

    mean: Float[np.ndarray, "B T Z"]
    logvar: Float[np.ndarray, "B T Z"]
    next_mean: Float[np.ndarray, "B T Z"]
    next_logvar: Float[np.ndarray, "B T Z"]
    action: Float[np.ndarray, "B T A"]
    starts: Bool[np.ndarray, "B T"]  # first transition of an episode
    done: Bool[np.ndarray, "B T"]  # the transition terminated its episode
    mask: Bool[np.ndarray, "B T"]  # False where a short episode is padded


def _empty(batch: int, length: int, like: Series) -> Sequences:
    latent, action = like.mean.shape[1], like.action.shape[1]

    def latents() -> np.ndarray:
        return np.zeros((batch, length, latent), np.float16)

    def flags() -> np.ndarray:
        return np.zeros((batch, length), np.bool_)

    return Sequences(
        mean=latents(),
        logvar=latents(),
        next_mean=latents(),
        next_logvar=latents(),
        action=np.zeros((batch, length, action), np.float32),
        starts=flags(),
        done=flags(),
        mask=flags(),
    )


def _copy(to: Sequences, row: int, at: int, series: Series, begin: int, end: int) -> None:
    """Copy transitions `begin` to `end` of an episode into a row, from position `at` on."""
    place = slice(at, at + end - begin)
    to.mean[row, place] = series.mean[begin:end]
    to.logvar[row, place] = series.logvar[begin:end]
    to.next_mean[row, place] = series.mean[begin + 1 : end + 1]
    to.next_logvar[row, place] = series.logvar[begin + 1 : end + 1]
    to.action[row, place] = series.action[begin:end]
    to.mask[row, place] = True
    if begin == 0:
        to.starts[row, at] = True
    if end == series.steps:
        to.done[row, at + end - begin - 1] = series.terminated


class EpisodeSampler:
    """Batches whose sequences each begin at the start of an episode; M's memory starts at zero."""

    def __init__(self, series: Sequence[Series], batch_size: int, length: int, seed: int) -> None:
        self._series, self._batch_size, self._seed = series, batch_size, seed
        self._length = min(length, max(s.steps for s in series))
        self._epoch, self._order = 0, _order(seed, 0, len(series))

    def batch(self, step: int) -> Sequences:
        """Batch number `step` of an endless row of shuffled passes over all episodes."""
        chosen = [
            self._series[self._pick(step * self._batch_size + i)] for i in range(self._batch_size)
        ]
        return whole_episodes(chosen, self._length)

    def carries_over(self, step: int) -> bool:
        """Whether M's memory goes on from the batch before: never."""
        return False

    def _pick(self, position: int) -> int:
        epoch, within = divmod(position, len(self._series))
        if epoch != self._epoch:
            self._epoch, self._order = epoch, _order(self._seed, epoch, len(self._series))
        return int(self._order[within])


class StreamSampler:
    """Batches cut from B long streams of episodes; M's memory is carried from one to the next."""

    def __init__(self, series: Sequence[Series], batch_size: int, length: int, seed: int) -> None:
        """Raises WorldModelsError if the episodes are too short for one batch."""
        self._series, self._batch_size, self._seed = series, batch_size, seed
        self._length = length
        total = sum(s.steps for s in series)
        self._stream = total // batch_size  # transitions in each stream
        self.steps_per_epoch = self._stream // length
        if self.steps_per_epoch == 0:
            raise WorldModelsError(
                f"{total} recorded transitions are too few for {batch_size} streams of {length}: "
                f"record more with `wm extract`, or lower --batch-size or --sequence-length."
            )

    def batch(self, step: int) -> Sequences:
        """Batch number `step`; each epoch joins the episodes in another order."""
        epoch, segment = divmod(step, self.steps_per_epoch)
        order = _order(self._seed, epoch, len(self._series))
        ends = np.cumsum([self._series[i].steps for i in order])
        result = _empty(self._batch_size, self._length, self._series[0])
        for row in range(self._batch_size):
            first = row * self._stream + segment * self._length
            filled = 0
            while filled < self._length:
                place = int(np.searchsorted(ends, first + filled, side="right"))
                series = self._series[order[place]]
                begin = first + filled - (int(ends[place]) - series.steps)
                end = min(series.steps, begin + self._length - filled)
                _copy(result, row, filled, series, begin, end)
                filled += end - begin
        return result

    def carries_over(self, step: int) -> bool:
        """Whether M's memory goes on from the batch before: not at the start of an epoch."""
        return step % self.steps_per_epoch != 0


def _order(seed: int, epoch: int, episodes: int) -> np.ndarray:
    """The order of the episodes in an epoch."""
    return seeding.generator(seed, "series", epoch).permutation(episodes)


def whole_episodes(series: Sequence[Series], length: int) -> Sequences:
    """The first `length` transitions of each episode, padded to equal length."""
    result = _empty(len(series), length, series[0])
    for row, episode in enumerate(series):
        _copy(result, row, 0, episode, 0, min(length, episode.steps))
    return result
