"""The sizes that the paper prints, or that follow from its appendix."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from worldmodels.models.controller import ControllerSizes
from worldmodels.models.rnn import Rnn, RnnSizes
from worldmodels.models.vae import Vae, VaeSizes

CAR_RNN = RnnSizes(latent=32, action=3, hidden=256, mixtures=5, done_head=False)
DOOM_RNN = RnnSizes(latent=64, action=1, hidden=512, mixtures=5, done_head=True)


def trained(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters() if weight.requires_grad)


def sides(layers: nn.Sequential, value: torch.Tensor) -> list[int]:
    """Heights of what the convolutions put out."""
    heights = []
    for layer in layers:
        value = layer(value)
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            heights.append(value.shape[2])
    return heights


@pytest.mark.parametrize(("latent", "count"), [(32, 4_348_547), (64, 4_446_915)])
def test_v_has_the_papers_number_of_parameters(latent: int, count: int) -> None:
    assert trained(Vae(VaeSizes(latent))) == count


@pytest.mark.parametrize(("sizes", "count"), [(CAR_RNN, 422_368), (DOOM_RNN, 1_678_785)])
def test_m_trains_the_papers_number_of_parameters(sizes: RnnSizes, count: int) -> None:
    assert trained(Rnn(sizes)) == count


@pytest.mark.parametrize(
    ("sizes", "count"),
    [
        (ControllerSizes(32, 256, 3, inputs="z+h", hidden=0, bias=True), 867),
        (ControllerSizes(64, 512, 1, inputs="z+c+h", hidden=0, bias=False), 1_088),
        (ControllerSizes(32, 256, 3, inputs="z", hidden=0, bias=True), 99),
        (ControllerSizes(32, 256, 3, inputs="z", hidden=40, bias=True), 1_443),
    ],
    ids=["car", "doom", "z only", "z and hidden layer"],
)
def test_c_has_the_papers_number_of_parameters(sizes: ControllerSizes, count: int) -> None:
    assert sizes.parameters == count


def test_the_encoder_shrinks_a_frame_as_in_the_papers_figure() -> None:
    vae = Vae(VaeSizes(32))
    assert sides(vae.encoder, torch.zeros(1, 3, 64, 64)) == [31, 14, 6, 2]


def test_the_encoder_ends_in_1024_features() -> None:
    vae = Vae(VaeSizes(32))
    assert vae.encoder(torch.zeros(2, 3, 64, 64)).flatten(1).shape == (2, 1024)


def test_the_decoder_grows_a_frame_as_in_the_papers_figure() -> None:
    vae = Vae(VaeSizes(32))
    assert sides(vae.decoder, torch.zeros(1, 1024, 1, 1)) == [5, 13, 30, 64]


def test_the_decoder_puts_out_a_picture_in_0_to_1() -> None:
    image = Vae(VaeSizes(64)).decode(100 * torch.randn(2, 64))
    assert image.shape == (2, 3, 64, 64)
    assert 0 <= image.min() < image.max() <= 1


@pytest.mark.parametrize(("sizes", "inputs"), [(CAR_RNN, 35), (DOOM_RNN, 66)])
def test_m_reads_z_the_action_and_in_doom_the_restart_flag(sizes: RnnSizes, inputs: int) -> None:
    assert Rnn(sizes).lstm.input_size == inputs


@pytest.mark.parametrize(("sizes", "outputs"), [(CAR_RNN, 480), (DOOM_RNN, 961)])
def test_m_has_three_outputs_for_each_gaussian_and_in_doom_one_for_the_end(
    sizes: RnnSizes, outputs: int
) -> None:
    assert Rnn(sizes).head.out_features == outputs


@pytest.mark.parametrize("sizes", [CAR_RNN, DOOM_RNN])
def test_m_predicts_five_gaussians_for_each_latent_dimension(sizes: RnnSizes) -> None:
    prediction = Rnn(sizes).predict(torch.zeros(2, sizes.hidden))
    assert prediction.latent.mean.shape == (2, sizes.latent, 5)
    assert (prediction.done_logit is not None) == sizes.done_head
