"""V: the variational autoencoder between 64x64 frames and latents."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn
from torch.nn import functional

FEATURES = 1024  # 256 channels of 2x2 pixels


@dataclass(frozen=True)
class VaeSizes:
    """What has to be known to build a V."""

    latent: int


@dataclass(frozen=True)
class Posterior:
    """Independent Gaussians over z, one for each frame."""

    mean: Float[Tensor, "*batch Z"]
    logvar: Float[Tensor, "*batch Z"]

    def sample(self, noise: Float[Tensor, "*batch Z"]) -> Float[Tensor, "*batch Z"]:
        """z for standard normal `noise` (the reparametrisation trick)."""
        return self.mean + torch.exp(self.logvar / 2) * noise

    def kl(self) -> Float[Tensor, "*batch"]:
        """Kullback-Leibler divergence from the standard normal, in nats, summed over z."""
        return 0.5 * (self.mean.square() + self.logvar.exp() - 1 - self.logvar).sum(-1)


@dataclass(frozen=True)
class VaeLoss:
    """The two parts of V's loss, one number a frame."""

    reconstruction: Float[Tensor, " B"]  # sum over 64*64*3 of squared errors
    kl: Float[Tensor, " B"]  # nats, after the floor

    @property
    def total(self) -> Float[Tensor, ""]:
        """What Adam minimises: the mean over the batch of the sum of both parts."""
        return (self.reconstruction + self.kl).mean()


class Vae(nn.Module):
    """Encoder and decoder of Ha & Schmidhuber (2018), appendix A.1.

    64x64x3 -> conv 32, 64, 128, 256 (kernel 4, stride 2, ReLU) -> 1024 -> mean and logvar;
    z -> linear 1024 -> deconv 128 k5, 64 k5, 32 k6 (ReLU), 3 k6 (sigmoid), stride 2.
    """

    def __init__(self, sizes: VaeSizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.encoder = nn.Sequential(
            *(nn.Conv2d(3, 32, 4, 2), nn.ReLU(inplace=True)),
            *(nn.Conv2d(32, 64, 4, 2), nn.ReLU(inplace=True)),
            *(nn.Conv2d(64, 128, 4, 2), nn.ReLU(inplace=True)),
            *(nn.Conv2d(128, 256, 4, 2), nn.ReLU(inplace=True)),
        )
        self.mean = nn.Linear(FEATURES, sizes.latent)
        self.logvar = nn.Linear(FEATURES, sizes.latent)
        self.expand = nn.Linear(sizes.latent, FEATURES)
        self.decoder = nn.Sequential(
            *(nn.ConvTranspose2d(FEATURES, 128, 5, 2), nn.ReLU(inplace=True)),
            *(nn.ConvTranspose2d(128, 64, 5, 2), nn.ReLU(inplace=True)),
            *(nn.ConvTranspose2d(64, 32, 6, 2), nn.ReLU(inplace=True)),
            nn.ConvTranspose2d(32, 3, 6, 2),
        )

    def encode(self, image: Float[Tensor, "B 3 64 64"]) -> Posterior:
        """The posterior over z of images in [0, 1]."""
        features = self.encoder(image).flatten(1)
        return Posterior(self.mean(features).float(), self.logvar(features).float())

    def decode(self, z: Float[Tensor, "B Z"]) -> Float[Tensor, "B 3 64 64"]:
        """The images in [0, 1] that latents stand for."""
        first, last = self.decoder[0], self.decoder[-1]
        assert isinstance(first, nn.ConvTranspose2d)
        assert isinstance(last, nn.ConvTranspose2d)
        # Nothing bends between the linear layer and the first deconvolution, whose input is a
        # single pixel: their product, Z x 5*5*128, is taken once for the whole batch.
        spread = first.weight.permute(0, 2, 3, 1).flatten(1)
        # The bias is one more row of the same product: `spread` is large, and read once.
        linear = torch.cat([self.expand.weight.t(), self.expand.bias[None]])
        weight, bias = (linear @ spread).split([linear.shape[0] - 1, 1])
        bias = bias.view(-1, first.out_channels) + first.bias
        pixels = torch.addmm(bias.flatten(), z.to(weight.dtype), weight)
        features = pixels.unflatten(1, (first.kernel_size[0], first.kernel_size[1], -1))
        rest = self.decoder[1:-1](features.permute(0, 3, 1, 2))
        return torch.sigmoid(_deconvolve(last, rest).float())


def _deconvolve(
    layer: nn.ConvTranspose2d, x: Float[Tensor, "B in rows columns"]
) -> Float[Tensor, "B out up_rows up_columns"]:
    """`layer`, of stride 2 and an even kernel, as a convolution that makes four pixels at once.

    With as few output channels as a picture's three, PyTorch's own way takes twice as long.
    """
    inputs, outputs, size, _ = layer.weight.shape
    half = size // 2
    # Output pixel 2i + r sees the kernel's taps r, r + 2, ...: one small kernel for each r.
    kernels = layer.weight.reshape(inputs, outputs, half, 2, half, 2).permute(1, 3, 5, 0, 2, 4)
    kernels = kernels.flip(4, 5).reshape(outputs * 4, inputs, half, half)
    bias = None if layer.bias is None else layer.bias.repeat_interleave(4)
    kernels = kernels.contiguous(memory_format=torch.channels_last)
    # Padded beforehand: oneDNN takes ten times as long for the gradient of the kernels in bfloat16
    # where it pads itself.
    x = functional.conv2d(functional.pad(x, [half - 1] * 4), kernels, bias)
    return functional.pixel_shuffle(x, 2)


def to_image(frame: UInt8[Tensor, "B 64 64 3"]) -> Float[Tensor, "B 3 64 64"]:
    """Frames as V wants them: float in [0, 1], channels before rows (channels-last in memory)."""
    return frame.permute(0, 3, 1, 2).float() / 255


def to_frame(image: Float[Tensor, "B 3 64 64"]) -> UInt8[Tensor, "B 64 64 3"]:
    """Images in [0, 1] as frames of bytes; the inverse of `to_image`."""
    return (image * 255).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1)


def vae_loss(
    vae: Vae,
    image: Float[Tensor, "B 3 64 64"],
    noise: Float[Tensor, "B Z"],
    kl_tolerance: float,
) -> VaeLoss:
    """V's loss: squared error summed over pixels, and KL with a floor.

    The floor, `kl_tolerance` nats a dimension of z, is applied to each frame: below it the KL
    costs nothing more, so that z keeps some information of every frame.
    """
    posterior = vae.encode(image)
    decoded = vae.decode(posterior.sample(noise))
    error = functional.mse_loss(decoded, image, reduction="none").sum(dim=(1, 2, 3))
    kl = posterior.kl().clamp(min=kl_tolerance * vae.sizes.latent)
    return VaeLoss(error, kl)
