"""V: the loss by hand, and the way between frames and images."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, distributions

from worldmodels.models.vae import Posterior, Vae, VaeSizes, to_frame, to_image, vae_loss

LATENT = 4


class FixedVae(Vae):
    """Decodes everything to grey and sees the posterior that it is told."""

    def __init__(self, posterior: Posterior) -> None:
        super().__init__(VaeSizes(LATENT))
        self.posterior = posterior

    def encode(self, image: Tensor) -> Posterior:
        return self.posterior

    def decode(self, z: Tensor) -> Tensor:
        return torch.full((len(z), 3, 64, 64), 0.5)


def posterior(*means: float) -> Posterior:
    """One frame for each number, which is the mean of every dimension; variance 1."""
    mean = torch.tensor(means, dtype=torch.float32).unsqueeze(1).expand(-1, LATENT)
    return Posterior(mean, torch.zeros(len(means), LATENT))


def images(batch: int) -> Tensor:
    return torch.rand(batch, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def test_reconstruction_is_the_sum_of_squares_over_pixels_and_channels() -> None:
    image = images(3)
    loss = vae_loss(FixedVae(posterior(0, 0, 0)), image, torch.zeros(3, LATENT), 0.5)
    expected = torch.stack([((picture - 0.5) ** 2).sum() for picture in image])
    torch.testing.assert_close(loss.reconstruction, expected)


def test_kl_equals_that_of_torch_distributions() -> None:
    random = torch.Generator().manual_seed(0)
    mean, logvar = (torch.randn(5, LATENT, generator=random) for _ in range(2))
    reference = distributions.kl_divergence(
        distributions.Normal(mean, (logvar / 2).exp()), distributions.Normal(0.0, 1.0)
    ).sum(-1)
    torch.testing.assert_close(Posterior(mean, logvar).kl(), reference)


def test_kl_under_the_floor_is_raised_for_that_frame_alone() -> None:
    # KL = LATENT * mean^2 / 2: 0.5 nats, 2 nats exactly at the floor, 18 nats.
    loss = vae_loss(FixedVae(posterior(0.5, 1, 3)), images(3), torch.zeros(3, LATENT), 0.5)
    torch.testing.assert_close(loss.kl, torch.tensor([2.0, 2.0, 18.0]))


def test_a_frame_under_the_floor_gets_no_gradient_from_kl_while_its_neighbour_does() -> None:
    mean = torch.tensor([[0.5] * LATENT, [3.0] * LATENT]).requires_grad_()
    vae = FixedVae(Posterior(mean, torch.zeros(2, LATENT)))
    vae_loss(vae, images(2), torch.zeros(2, LATENT), 0.5).kl.sum().backward()
    torch.testing.assert_close(mean.grad, torch.tensor([[0.0] * LATENT, [3.0] * LATENT]))


def test_total_is_the_mean_over_the_batch_of_both_parts() -> None:
    image = images(2)
    loss = vae_loss(FixedVae(posterior(0, 3)), image, torch.zeros(2, LATENT), 0.5)
    error = ((image - 0.5) ** 2).sum()
    torch.testing.assert_close(loss.total, (error + 2 + 18) / 2)


def test_a_sample_is_the_mean_plus_deviations_times_noise() -> None:
    spread = Posterior(torch.tensor([[1.0, 2.0]]), torch.tensor([4.0, 9.0]).log().unsqueeze(0))
    drawn = spread.sample(torch.tensor([[1.0, -1.0]]))
    torch.testing.assert_close(drawn, torch.tensor([[3.0, -1.0]]))


def test_frame_to_image_and_back_keeps_every_byte() -> None:
    frame = torch.arange(256, dtype=torch.uint8).repeat(48).reshape(1, 64, 64, 3)
    assert torch.equal(to_frame(to_image(frame)), frame)


def test_an_image_has_channels_first_and_values_in_0_to_1() -> None:
    frame = torch.zeros(1, 64, 64, 3, dtype=torch.uint8)
    frame[0, 5, 6] = torch.tensor([255, 51, 0])
    image = to_image(frame)
    assert image.dtype == torch.float32
    torch.testing.assert_close(image[0, :, 5, 6], torch.tensor([1.0, 0.2, 0.0]))


@pytest.mark.parametrize(("value", "byte"), [(-0.1, 0), (1.1, 255), (0.4999, 127), (0.5001, 128)])
def test_an_image_value_is_rounded_to_the_nearest_byte(value: float, byte: int) -> None:
    assert (to_frame(torch.full((1, 3, 64, 64), value)) == byte).all()


def test_decoding_applies_the_papers_layers_one_after_the_other() -> None:
    torch.manual_seed(0)
    vae, z = Vae(VaeSizes(LATENT)), torch.randn(3, LATENT)
    layers = vae.decoder(vae.expand(z).reshape(-1, 1024, 1, 1))
    torch.testing.assert_close(vae.decode(z), torch.sigmoid(layers), rtol=0, atol=1e-6)


def test_training_on_one_picture_lowers_the_loss() -> None:
    torch.manual_seed(0)
    vae, image = Vae(VaeSizes(LATENT)), images(2)
    adam = torch.optim.Adam(vae.parameters(), 1e-3)
    losses = []
    for _ in range(8):
        loss = vae_loss(vae, image, torch.zeros(2, LATENT), 0.5).total
        adam.zero_grad()
        loss.backward()
        adam.step()
        losses.append(loss.item())
    assert losses[-1] < 0.99 * losses[0]
