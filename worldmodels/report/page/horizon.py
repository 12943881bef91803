"""How far M sees: the error of its prediction, step by step into the future."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from worldmodels import seeding
from worldmodels.data.series import Sequences, Series, whole_episodes
from worldmodels.models.mdn import Mixture
from worldmodels.models.rnn import Memory, Rnn
from worldmodels.report.page.charts import QUIET, SERIES, Chart, legend

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LONGEST = 100  # steps ahead
MOST_EPISODES = 12
MOST_STARTS = 200
CONTEXT = 20  # recorded steps, at least, that M has seen before it predicts


@dataclass(frozen=True)
class HorizonError:
    """Squared errors of z 1 to K steps ahead; 1 is the variance of the series."""

    model: Float[np.ndarray, " K"]  # of M's mean prediction
    low: Float[np.ndarray, " K"]  # quartiles over the starts
    high: Float[np.ndarray, " K"]
    still: Float[np.ndarray, " K"]  # of expecting no change
    starts: int  # places that were predicted from


@dataclass(frozen=True)
class _Starts:
    """Moments of recorded episodes from which M is left to itself."""

    row: np.ndarray  # (S,) of the batch of episodes
    step: np.ndarray  # (S,)
    memory: Memory


@torch.inference_mode()
def horizon_error(rnn: Rnn, series: Sequence[Series]) -> HorizonError | None:
    """The error of M's predictions over `series`, which it should not have been trained on.

    M reads a recorded episode up to a start; from there on it is fed its own mean prediction and
    the recorded actions. None if the episodes are too short to tell, or nothing happens in them.
    """
    series = series[:MOST_EPISODES]
    length = max(s.steps for s in series)
    horizon = min(LONGEST, length // 2)
    means = np.concatenate([s.mean for s in series]).astype(np.float32)
    variance = float(means.var(0).sum())
    if horizon < 1 or variance == 0:
        return None
    batch = whole_episodes(series, length)
    starts = _read(rnn, batch, [s.steps for s in series], horizon)
    first, rows, steps = _latents(batch, starts.row, starts.step), starts.row, starts.step
    z, memory = first, starts.memory
    model, still = [], []
    for ahead in range(horizon):
        action = torch.as_tensor(batch.action[rows, steps + ahead])
        at_start = torch.as_tensor(steps + ahead == 0)
        memory = rnn.step(z, action, at_start, memory)
        z = _mean(rnn.predict(memory.h).latent)
        truth = torch.as_tensor(batch.next_mean[rows, steps + ahead].astype(np.float32))
        model.append((z - truth).square().sum(1).numpy() / variance)
        still.append((first - truth).square().sum(1).numpy() / variance)
    errors = np.stack(model)
    low, high = np.quantile(errors, [0.25, 0.75], axis=1)
    return HorizonError(errors.mean(1), low, high, np.stack(still).mean(1), len(rows))


def _read(rnn: Rnn, batch: Sequences, lengths: Sequence[int], horizon: int) -> _Starts:
    """Let M read the episodes, and keep its memory wherever a prediction is to start."""
    places = [
        (row, step)
        for row, length in enumerate(lengths)
        for step in range(max(min(CONTEXT, length - horizon), 0), length - horizon + 1)
    ]
    # At random: starts at equal distances would show the same event at each multiple of it.
    random = seeding.generator(0, "horizon")
    keep = random.choice(len(places), min(MOST_STARTS, len(places)), replace=False)
    chosen = sorted((places[i] for i in keep), key=lambda place: place[1])
    rows, steps = np.array(chosen).T
    memory = rnn.start(len(lengths))
    kept: list[Memory] = []
    every = np.arange(len(lengths))
    for step in range(int(steps[-1]) + 1):
        here = torch.as_tensor(rows[steps == step])
        kept.append(Memory(memory.h[here], memory.c[here]))
        at = np.full(len(lengths), step)
        starts = torch.as_tensor(batch.starts[:, step])
        action = torch.as_tensor(batch.action[:, step])
        memory = rnn.step(_latents(batch, every, at), action, starts, memory)
    h, c = torch.cat([m.h for m in kept]), torch.cat([m.c for m in kept])
    return _Starts(rows, steps, Memory(h, c))


def _latents(batch: Sequences, rows: np.ndarray, steps: np.ndarray) -> Float[Tensor, "S Z"]:
    return torch.as_tensor(batch.mean[rows, steps].astype(np.float32))


def _mean(mixture: Mixture) -> Float[Tensor, "S Z"]:
    """The expected value of a mixture."""
    return (torch.softmax(mixture.logits, -1) * mixture.mean).sum(-1)


def horizon_chart(error: HorizonError) -> Chart:
    """The error against the number of steps ahead."""

    def draw(axes: Axes) -> None:
        ahead = np.arange(1, len(error.model) + 1)
        axes.axhline(1, color=QUIET, linewidth=0.8, linestyle=":", label="always the average")
        axes.plot(ahead, error.still, color=QUIET, linestyle="--", label="nothing changes")
        axes.fill_between(ahead, error.low, error.high, color=SERIES[0], alpha=0.15, linewidth=0)
        axes.plot(ahead, error.model, color=SERIES[0], label="M")
        axes.set_xlabel("steps ahead")
        axes.set_title("squared error of z, in units of its variance", loc="left")
        axes.set_ylim(bottom=0)
        axes.margins(x=0.02)
        legend(axes)

    return Chart("prediction-error", "Prediction error of M against steps ahead", draw)
