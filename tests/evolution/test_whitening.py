"""The coordinates in which all that C sees varies alike."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from worldmodels.data.series import Series
from worldmodels.evolution.cmaes import CmaEs
from worldmodels.evolution.whitening import search_basis
from worldmodels.models.controller import ControllerSizes, control, features
from worldmodels.models.rnn import Rnn, RnnSizes

LATENT, HIDDEN, STEPS = 3, 5, 400


def make_rnn() -> Rnn:
    """An M at a random start, whose cells are then made to swing by very different amounts."""
    torch.manual_seed(1)
    rnn = Rnn(RnnSizes(LATENT, 1, HIDDEN, 2, done_head=False))
    with torch.no_grad():
        rnn._weights[0].mul_(torch.linspace(1, 12, 4 * HIDDEN).unsqueeze(1))
    return rnn


def make_series(count: int, logvar: float = -20.0) -> list[Series]:
    """Episodes of latents of scale 1, 0.1 and 0, about a mean that is not zero."""
    random = np.random.default_rng(1)
    series = []
    for _ in range(count):
        mean = random.standard_normal((STEPS + 1, LATENT)) * [1.0, 0.1, 0.0] + [2.0, 0.0, 0.0]
        series.append(
            Series(
                mean.astype(np.float16),
                np.full((STEPS + 1, LATENT), logvar, np.float16),
                random.uniform(-1, 1, (STEPS, 1)).astype(np.float32),
                np.zeros(STEPS, np.float32),
                False,
            )
        )
    return series


@torch.inference_mode()
def seen_along(sizes: ControllerSizes, rnn: Rnn, episode: Series) -> torch.Tensor:
    """What C sees along an episode, (T, F), step by step."""
    memory = rnn.start(1)
    rows = []
    for step in range(episode.steps):
        z = torch.tensor(episode.mean[step : step + 1].astype(np.float32))
        rows.append(features(sizes, z, memory))
        starts = torch.tensor([step == 0])
        memory = rnn.step(z, torch.tensor(episode.action[step : step + 1]), starts, memory)
    return torch.cat(rows)


def outputs(sizes: ControllerSizes, parameters: np.ndarray, seen: torch.Tensor) -> np.ndarray:
    """Raw outputs (P, T, A) of P candidates."""
    rows = torch.as_tensor(parameters, dtype=torch.float32)
    return np.stack([control(sizes, row.expand(len(seen), -1), seen).numpy() for row in rows])


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("inputs", ["z", "z+c+h"])
def test_sigma_is_the_spread_of_what_c_puts_out(inputs: str, bias: bool) -> None:
    sizes = ControllerSizes(LATENT, HIDDEN, 2, inputs, 0, bias)
    rnn, series = make_rnn(), make_series(4)
    basis = search_basis(sizes, rnn, series, sampled=False, seed=1)
    candidates = CmaEs(np.zeros(sizes.parameters), 2000, 0.5, 1, basis=basis).ask()
    seen = torch.cat([seen_along(sizes, rnn, episode) for episode in series])
    for output in np.moveaxis(outputs(sizes, candidates, seen), -1, 0):
        assert np.sqrt(np.square(output).mean()) == pytest.approx(0.5, rel=0.05)


def test_candidates_no_longer_owe_most_to_what_swings_most() -> None:
    sizes = ControllerSizes(LATENT, HIDDEN, 1, "z+c+h", 0, False)
    rnn, series = make_rnn(), make_series(4)
    seen = torch.cat([seen_along(sizes, rnn, episode) for episode in series])
    random = np.random.default_rng(2).standard_normal((500, sizes.parameters))
    basis = search_basis(sizes, rnn, series, sampled=False, seed=1)

    def share_of_the_mean(candidates: np.ndarray) -> float:
        values = outputs(sizes, candidates, seen)
        return float(np.square(values.mean(1)).mean() / np.square(values).mean())

    def share_of_the_first_component(candidates: np.ndarray) -> float:
        values = outputs(sizes, candidates, seen)[:, :, 0]
        spread = np.linalg.svd(values - values.mean(1, keepdims=True), compute_uv=False) ** 2
        return float(spread[0] / spread.sum())

    assert share_of_the_mean(random) > 0.5 > 2 * share_of_the_mean(random @ basis.T)
    assert share_of_the_first_component(random) > 1.5 * share_of_the_first_component(
        random @ basis.T
    )


def test_noise_of_v_counts_where_c_sees_samples() -> None:
    sizes = ControllerSizes(LATENT, HIDDEN, 1, "z", 0, False)
    series = make_series(4, logvar=0.0)
    exact, noisy = (
        search_basis(sizes, make_rnn(), series, sampled=sampled, seed=1)
        for sampled in (False, True)
    )
    dead = LATENT - 1  # its mean never moves, but a sample of it has the deviation of the prior
    assert np.linalg.norm(exact[dead]) > 20 * np.linalg.norm(noisy[dead])


def test_the_mean_and_the_covariance_are_of_parameters() -> None:
    sizes = ControllerSizes(LATENT, HIDDEN, 1, "z+h", 0, True)
    basis = search_basis(sizes, make_rnn(), make_series(2), sampled=False, seed=1)
    start = np.linspace(-1, 1, sizes.parameters)
    search = CmaEs(start, 4000, 0.5, 1, basis=basis)
    np.testing.assert_allclose(search.mean, start, atol=1e-9)
    np.testing.assert_allclose(search.covariance, 0.25 * basis @ basis.T, rtol=0.01)
    sampled = np.diag(np.cov(search.ask().T))
    np.testing.assert_allclose(sampled, np.diag(search.covariance), rtol=0.15)


def test_a_restored_search_keeps_its_coordinates() -> None:
    sizes = ControllerSizes(LATENT, HIDDEN, 1, "z+h", 0, False)
    basis = search_basis(sizes, make_rnn(), make_series(2), sampled=True, seed=1)
    whole = CmaEs(np.zeros(sizes.parameters), 8, 0.5, 1, basis=basis)
    whole.tell(whole.ask().sum(1))
    restored = CmaEs.restore(whole.state(), basis=basis)
    np.testing.assert_array_equal(whole.ask(), restored.ask())
    np.testing.assert_array_equal(whole.mean, restored.mean)


def test_the_same_episodes_give_the_same_coordinates() -> None:
    sizes = ControllerSizes(LATENT, HIDDEN, 1, "z+h", 0, False)
    one, other = (
        search_basis(sizes, make_rnn(), make_series(3), sampled=True, seed=7) for _ in range(2)
    )
    np.testing.assert_array_equal(one, other)
