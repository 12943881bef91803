"""The fast encoder against V's own layers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from worldmodels.models.encoder import FastEncoder
from worldmodels.models.vae import Vae, VaeSizes, to_image

LATENT = 8


@pytest.fixture(scope="module")
def vae() -> Vae:
    """A V with weights large enough that every layer matters."""
    torch.manual_seed(0)
    vae = Vae(VaeSizes(LATENT)).requires_grad_(False)
    for parameter in vae.encoder.parameters():
        parameter.mul_(2)
    return vae


def frames(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (number, 64, 64, 3), dtype=np.uint8)


@pytest.mark.parametrize("width", [1, 3, 4, 16])
def test_the_posterior_equals_that_of_the_convolutions(vae: Vae, width: int) -> None:
    found = FastEncoder(vae, width)(frames(width))
    expected = vae.encode(to_image(torch.as_tensor(frames(width))))
    torch.testing.assert_close(found.mean, expected.mean, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found.logvar, expected.logvar, rtol=1e-4, atol=1e-5)


def test_posteriors_do_not_change_with_later_calls(vae: Vae) -> None:
    encode = FastEncoder(vae, 4)
    found = encode(frames(4))
    kept = found.mean.clone()
    encode(255 - frames(4))
    torch.testing.assert_close(found.mean, kept, rtol=0, atol=0)


def test_a_weight_that_is_not_a_number_shows_in_the_posterior(vae: Vae) -> None:
    broken = Vae(VaeSizes(LATENT)).requires_grad_(False)
    broken.encoder[2].bias[0] = float("nan")
    assert FastEncoder(broken, 4)(frames(4)).mean.isnan().all()
