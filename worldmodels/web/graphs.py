"""What the page computes, as modules that ONNX graphs are traced from: one dream at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor, nn

from worldmodels.models.agent import Squash
from worldmodels.models.controller import ControllerSizes, control, features
from worldmodels.models.mdn import Mixture
from worldmodels.models.rnn import Memory, Rnn, RnnSizes
from worldmodels.models.vae import Vae, to_frame
from worldmodels.worlds.dream import FirstLatents


@dataclass(frozen=True)
class Graph:
    """A module to trace, with an example of every input by name and the names of its outputs."""

    module: nn.Module
    inputs: Mapping[str, Tensor]
    outputs: tuple[str, ...]


def start_graph(first: FirstLatents) -> Graph:
    """Where a dream begins: a sample of the posterior of one of the recorded first frames."""
    latent = first.mean.shape[1]
    inputs = {"pick": torch.zeros(1, 1), "draw": torch.zeros(1, latent)}
    return Graph(_Start(first), inputs, ("z",))


def decoder_graph(vae: Vae) -> Graph:
    """V's decoder: the frame that z stands for."""
    return Graph(_Decoder(vae), {"z": torch.zeros(1, vae.sizes.latent)}, ("frame",))


def memory_graph(rnn: Rnn) -> Graph:
    """M: one step of the dream, from z and action to the next z, its memory, and the end."""
    sizes = rnn.sizes
    inputs = {
        "z": torch.zeros(1, sizes.latent),
        "action": torch.zeros(1, sizes.action),
        "h": torch.zeros(1, sizes.hidden),
        "c": torch.zeros(1, sizes.hidden),
        "starts": torch.ones(1, dtype=torch.bool),
        "pick": torch.zeros(1, sizes.latent),
        "draw": torch.zeros(1, sizes.latent),
        "temperature": torch.ones(1),
    }
    ends = ("done_logit",) if sizes.done_head else ()
    return Graph(_Memory(rnn), inputs, ("next_z", "next_h", "next_c", *ends))


def controller_graph(
    sizes: ControllerSizes, parameters: Float[np.ndarray, " D"], squash: Squash
) -> Graph:
    """C: the action for z and M's memory."""
    inputs = {
        "z": torch.zeros(1, sizes.latent),
        "h": torch.zeros(1, sizes.memory),
        "c": torch.zeros(1, sizes.memory),
    }
    return Graph(_Controller(sizes, parameters, squash), inputs, ("action",))


class _Start(nn.Module):
    """`pick`, uniform in [0, 1), chooses the recorded frame as worlds/dream.py does."""

    mean: Tensor
    logvar: Tensor

    def __init__(self, first: FirstLatents) -> None:
        super().__init__()
        self.register_buffer("mean", torch.as_tensor(first.mean))
        self.register_buffer("logvar", torch.as_tensor(first.logvar))

    def forward(
        self, pick: Float[Tensor, "1 1"], draw: Float[Tensor, "1 Z"]
    ) -> Float[Tensor, "1 Z"]:
        row = (pick[0] * len(self.mean)).long()
        return self.mean[row] + torch.exp(self.logvar[row] / 2) * draw


class _Decoder(nn.Module):
    """V's decoder with its first two layers made one.

    Nothing comes between the linear layer and the first deconvolution, whose input has a single
    pixel: together they are one linear map, and the file is an eighth as large.
    """

    def __init__(self, vae: Vae) -> None:
        super().__init__()
        expand, first = vae.expand, vae.decoder[0]
        assert isinstance(first, nn.ConvTranspose2d)
        assert first.bias is not None
        matrix = first.weight.double().flatten(1)  # (features, channels * rows * columns)
        self.shape = first.weight.shape[1:]
        area = self.shape[1] * self.shape[2]
        weight = matrix.T @ expand.weight.double()
        bias = expand.bias.double() @ matrix + first.bias.double().repeat_interleave(area)
        self.weight = nn.Parameter(weight.float(), requires_grad=False)
        self.bias = nn.Parameter(bias.float(), requires_grad=False)
        self.rest = vae.decoder[1:]

    def forward(self, z: Float[Tensor, "1 Z"]) -> UInt8[Tensor, "1 64 64 3"]:
        pixels = nn.functional.linear(z, self.weight, self.bias).unflatten(1, self.shape)
        return to_frame(torch.sigmoid(self.rest(pixels)))


class _Memory(nn.Module):
    """M's step and the sample that worlds/dream.py takes after it."""

    def __init__(self, rnn: Rnn) -> None:
        super().__init__()
        self.rnn = rnn
        self.sizes: RnnSizes = rnn.sizes

    def forward(
        self,
        z: Float[Tensor, "1 Z"],
        action: Float[Tensor, "1 A"],
        h: Float[Tensor, "1 H"],
        c: Float[Tensor, "1 H"],
        starts: Bool[Tensor, "1"],
        pick: Float[Tensor, "1 Z"],
        draw: Float[Tensor, "1 Z"],
        temperature: Float[Tensor, "1"],
    ) -> tuple[Tensor, ...]:
        memory = self.rnn.step(z, action, starts, Memory(h, c))
        prediction = self.rnn.predict(memory.h)
        cold = prediction.latent
        # A mixture at temperature tau is this one at 1; tau is an input, and no constant.
        warm = Mixture(cold.logits / temperature, cold.mean, cold.log_std + temperature.log() / 2)
        z = warm.sample(pick, draw, 1.0)
        if prediction.done_logit is None:
            return z, memory.h, memory.c
        return z, memory.h, memory.c, prediction.done_logit


class _Controller(nn.Module):
    """C's layers and the game's way of making an action of their output."""

    parameters_: Tensor

    def __init__(
        self, sizes: ControllerSizes, parameters: Float[np.ndarray, " D"], squash: Squash
    ) -> None:
        super().__init__()
        self.register_buffer("parameters_", torch.as_tensor(parameters).float().unsqueeze(0))
        self.sizes, self.squash = sizes, squash

    def forward(
        self, z: Float[Tensor, "1 Z"], h: Float[Tensor, "1 H"], c: Float[Tensor, "1 H"]
    ) -> Float[Tensor, "1 A"]:
        seen = features(self.sizes, z, Memory(h, c))
        return self.squash(control(self.sizes, self.parameters_, seen))
