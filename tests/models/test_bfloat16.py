"""V's encoder and M in bfloat16 against those in float32."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from worldmodels.models.bfloat16 import Bfloat16Encoder, Bfloat16Rnn
from worldmodels.models.encoder import make_encoder
from worldmodels.models.rnn import Memory, Rnn, RnnSizes
from worldmodels.models.vae import Vae, VaeSizes, to_image

LATENT, ACTION, HIDDEN = 8, 2, 32
ROUNDING = 2**-8  # of a bfloat16 number, relative


@pytest.fixture(scope="module")
def vae() -> Vae:
    """A V with weights large enough that every layer matters."""
    torch.manual_seed(0)
    vae = Vae(VaeSizes(LATENT)).requires_grad_(False)
    for parameter in vae.encoder.parameters():
        parameter.mul_(2)
    return vae


@pytest.fixture(scope="module")
def rnn() -> Rnn:
    torch.manual_seed(1)
    return Rnn(RnnSizes(LATENT, ACTION, HIDDEN, mixtures=3, done_head=True)).requires_grad_(False)


def frames(number: int) -> np.ndarray:
    """Pictures of a few large squares."""
    squares = np.random.default_rng(number).integers(0, 256, (number, 8, 8, 3), dtype=np.uint8)
    return squares.repeat(8, axis=1).repeat(8, axis=2)


@pytest.mark.parametrize("width", [1, 3, 16])
def test_the_posterior_is_that_of_the_convolutions_but_for_rounding(vae: Vae, width: int) -> None:
    found = Bfloat16Encoder(vae, width)(frames(width))
    expected = vae.encode(to_image(torch.as_tensor(frames(width))))
    for mine, theirs in ((found.mean, expected.mean), (found.logvar, expected.logvar)):
        error = (mine - theirs).abs().max()
        assert 0 < error < 4 * ROUNDING * theirs.abs().max()
        assert mine.dtype == torch.float32


def test_an_encoder_is_in_the_arithmetic_that_was_asked_for(vae: Vae) -> None:
    exact, rounded = (make_encoder(vae, 4, kind) for kind in (torch.float32, torch.bfloat16))
    expected = vae.encode(to_image(torch.as_tensor(frames(4)))).mean
    torch.testing.assert_close(exact(frames(4)).mean, expected, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(rounded(frames(4)).mean, expected, rtol=1e-4, atol=1e-5)


def test_without_onednn_the_layers_themselves_compute_in_bfloat16(
    vae: Vae, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    found = make_encoder(vae, 4, torch.bfloat16)(frames(4)).mean
    torch.testing.assert_close(found, Bfloat16Encoder(vae, 4)(frames(4)).mean, rtol=0.05, atol=0.01)


def test_posteriors_do_not_depend_on_neighbours(vae: Vae) -> None:
    alone = Bfloat16Encoder(vae, 4)(frames(16)[:4]).mean
    found = Bfloat16Encoder(vae, 16)(frames(16)).mean[:4]
    torch.testing.assert_close(found, alone, rtol=1e-5, atol=1e-6)


def test_a_weight_of_v_that_is_not_a_number_shows_in_the_posterior() -> None:
    broken = Vae(VaeSizes(LATENT)).requires_grad_(False)
    broken.encoder[2].bias[0] = float("nan")
    assert Bfloat16Encoder(broken, 4)(frames(4)).mean.isnan().all()


def test_v_and_m_themselves_stay_as_they_are(vae: Vae, rnn: Rnn) -> None:
    for network in (vae, rnn):
        before = {name: value.clone() for name, value in network.state_dict().items()}
        Bfloat16Encoder(network, 4) if isinstance(network, Vae) else Bfloat16Rnn(network)
        for name, value in network.state_dict().items():
            torch.testing.assert_close(value, before[name], rtol=0, atol=0)


def test_m_remembers_and_expects_the_same_but_for_rounding(rnn: Rnn) -> None:
    rounded = Bfloat16Rnn(rnn)
    generator = torch.Generator().manual_seed(2)
    mine = theirs = rnn.start(5)
    for step in range(50):
        z = torch.randn(5, LATENT, generator=generator)
        action = torch.rand(5, ACTION, generator=generator)
        starts = torch.full((5,), step == 0)
        mine, theirs = (
            network.step(z, action, starts, memory)
            for network, memory in ((rounded, mine), (rnn, theirs))
        )
    for found, expected in ((mine.h, theirs.h), (mine.c, theirs.c)):
        error = (found - expected).abs().max()
        assert 0 < error < 4 * ROUNDING * expected.abs().max()
        assert found.dtype == torch.float32
    found, expected = rounded.predict(mine.h), rnn.predict(theirs.h)
    torch.testing.assert_close(found.latent.mean, expected.latent.mean, rtol=0.05, atol=0.02)
    torch.testing.assert_close(found.done_logit, expected.done_logit, rtol=0.05, atol=0.02)


def test_the_step_of_m_is_the_one_of_its_biases_and_gates(rnn: Rnn) -> None:
    """With numbers that bfloat16 holds exactly there is nothing to round but the sums."""
    simple = Rnn(rnn.sizes).requires_grad_(False)
    for parameter in simple.parameters():
        parameter.copy_((parameter * 8).round() / 8)
    memory = Memory(torch.full((2, HIDDEN), 0.5), torch.full((2, HIDDEN), -0.25))
    z, action = torch.ones(2, LATENT), torch.ones(2, ACTION)
    starts = torch.tensor([True, False])
    found = Bfloat16Rnn(simple).step(z, action, starts, memory)
    expected = simple.step(z, action, starts, memory)
    torch.testing.assert_close(found.c, expected.c, rtol=0, atol=0.01)
    torch.testing.assert_close(found.h, expected.h, rtol=0, atol=0.01)
