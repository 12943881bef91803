"""M's error over the horizon, of an M whose predictions are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from worldmodels.data.series import Series
from worldmodels.models.mdn import Mixture
from worldmodels.models.rnn import Memory, Prediction
from worldmodels.report.page.horizon import CONTEXT, LONGEST, horizon_error


class Adding:
    """An M for a world in which z moves by the action, and by what it has been told before."""

    def __init__(self, bias: float = 0.0) -> None:
        self._bias = bias
        self.first_steps = 0  # how often it was told that an episode starts

    def start(self, batch: int) -> Memory:
        return Memory(torch.zeros(batch, 2), torch.zeros(batch, 2))

    def step(
        self, z: torch.Tensor, action: torch.Tensor, starts: torch.Tensor, memory: Memory
    ) -> Memory:
        self.first_steps += int(starts.sum())
        return Memory(z + action + self._bias, memory.c + 1)

    def predict(self, h: torch.Tensor) -> Prediction:
        mean = torch.stack([h - 1, h + 1], -1)  # whose mean is h
        return Prediction(Mixture(torch.zeros_like(mean), mean, torch.zeros_like(mean)), None)


def walk(steps: int, seed: int) -> Series:
    """A series in which z moves by the action, in numbers that float16 holds exactly."""
    random = np.random.default_rng(seed)
    action = random.integers(-2, 3, (steps, 2)).astype(np.float32)
    z = np.concatenate([np.zeros((1, 2)), action.cumsum(0)]).astype(np.float16)
    return Series(z, np.zeros_like(z), action, np.zeros(steps, np.float32), False)


def error_of(model: Any, series: list[Series]) -> Any:
    result = horizon_error(model, series)
    assert result is not None
    return result


def test_an_m_that_knows_the_world_makes_no_error() -> None:
    error = error_of(Adding(), [walk(120, 0), walk(90, 1)])
    np.testing.assert_allclose(error.model, 0, atol=1e-9)
    assert (error.still > 0).all()


def test_an_error_that_adds_up_is_counted_in_variances_of_the_series() -> None:
    series = [walk(120, 0), walk(90, 1)]
    error = error_of(Adding(bias=0.5), series)
    variance = np.concatenate([s.mean for s in series]).astype(np.float64).var(0).sum()
    ahead = np.arange(1, len(error.model) + 1)
    np.testing.assert_allclose(error.model, 2 * (0.5 * ahead) ** 2 / variance, rtol=1e-5)
    np.testing.assert_allclose(error.low, error.high, rtol=1e-5)


def test_expecting_no_change_is_off_by_what_has_changed() -> None:
    series = walk(200, 3)
    error = error_of(Adding(), [series])
    z = series.mean.astype(np.float64)
    starts = range(CONTEXT, 200 - len(error.still) + 1)
    expected = np.mean([((z[s + 1] - z[s]) ** 2).sum() for s in starts]) / z.var(0).sum()
    assert error.starts == len(starts)
    assert error.still[0] == pytest.approx(expected, rel=1e-5)


def test_the_horizon_is_half_of_the_longest_episode_and_no_longer_than_the_limit() -> None:
    assert len(error_of(Adding(), [walk(30, 0), walk(10, 1)]).model) == 15
    assert len(error_of(Adding(), [walk(900, 0)]).model) == LONGEST


def test_every_episode_starts_once() -> None:
    model = Adding()
    error_of(model, [walk(120, 0), walk(90, 1)])
    assert model.first_steps == 2


def test_too_short_a_series_tells_nothing() -> None:
    assert horizon_error(Adding(), [walk(1, 0)]) is None  # type: ignore[arg-type]
