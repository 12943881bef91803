"""V's encoder and M with their products in bfloat16, for processors that multiply it.

A search plays millions of steps, and on a processor with bfloat16 units it spends most of them on
float32 products. Scores and recordings are made in float32: they do not depend on the processor.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from torch import Tensor, nn
from torch.nn import functional

from worldmodels.models.rnn import Memory, Prediction, Rnn
from worldmodels.models.vae import Posterior, Vae

STRIDE, NO_PADDING, NO_DILATION = [2, 2], [0, 0], [1, 1]


class Bfloat16Encoder:
    """The posteriors of W frames at a time on a processor; `Vae.encode`'s to two or three digits.

    With oneDNN's convolutions as torch.compile uses them: the weights are brought into their
    layout once, where `torch.conv2d` does it in each call, and relu comes with the convolution.
    """

    @torch.no_grad()
    def __init__(self, vae: Vae, width: int) -> None:
        """Takes V's present weights, in a layout for `width` frames."""
        layers = [layer for layer in vae.encoder if isinstance(layer, nn.Conv2d)]
        self._weights, self._biases = [], []
        shape = [width, 3, 64, 64]
        for number, layer in enumerate(layers):
            # Bytes are multiplied as they are, which bfloat16 holds exactly: 1/255 is in the first
            # weights.
            weight = layer.weight / 255 if number == 0 else layer.weight
            weight = weight.to(torch.bfloat16).contiguous()
            pack = _onednn()._reorder_convolution_weight
            self._weights.append(pack(weight, NO_PADDING, STRIDE, NO_DILATION, 1, shape))
            assert layer.bias is not None
            self._biases.append(layer.bias.to(torch.bfloat16))
            side = (shape[-1] - layer.kernel_size[0]) // STRIDE[0] + 1
            shape = [width, layer.out_channels, side, side]
        self._heads = torch.cat([vae.mean.weight, vae.logvar.weight])
        self._head_bias = torch.cat([vae.mean.bias, vae.logvar.bias])
        if not all(weight.isfinite().all() for weight in vae.encoder.parameters()):
            self._head_bias.fill_(torch.nan)  # oneDNN's relu makes zeros of NaN: it shall show

    @torch.no_grad()
    def __call__(self, frames: UInt8[np.ndarray, "W 64 64 3"]) -> Posterior:
        """The posterior over z of each frame."""
        x = torch.as_tensor(frames).permute(0, 3, 1, 2).to(torch.bfloat16)
        for weight, bias in zip(self._weights, self._biases, strict=True):
            x = _onednn()._convolution_pointwise(
                x, weight, bias, NO_PADDING, STRIDE, NO_DILATION, 1, "relu", [], ""
            )
        features = x.flatten(1).float()
        mean, logvar = functional.linear(features, self._heads, self._head_bias).chunk(2, dim=1)
        return Posterior(mean, logvar)


def _onednn() -> Any:
    return torch.ops.mkldnn


class Bfloat16Rnn(Rnn):
    """M one step at a time; its memory and its gates' nonlinearities are in float32."""

    @torch.no_grad()
    def __init__(self, rnn: Rnn) -> None:
        """Takes M's present weights."""
        super().__init__(rnn.sizes)
        self.load_state_dict(rnn.state_dict())
        self.to(rnn.head.weight.device).requires_grad_(False)
        inputs, recurrent, bias, second = self._weights
        # Transposed: products with it as it lies are faster than with a transposed view.
        self._gates = torch.cat([inputs, recurrent], dim=1).t().to(torch.bfloat16).contiguous()
        self._gate_bias = bias + second
        self._head_weight = self.head.weight.t().to(torch.bfloat16).contiguous()

    def step(
        self,
        z: Float[Tensor, "B Z"],
        action: Float[Tensor, "B A"],
        starts: Bool[Tensor, " B"],
        memory: Memory,
    ) -> Memory:
        """The memory after one transition of each of B episodes."""
        seen = torch.cat([self.inputs(z, action, starts), memory.h], dim=-1)
        gates = (seen.to(torch.bfloat16) @ self._gates).float() + self._gate_bias
        enter, keep, new, leave = gates.chunk(4, dim=-1)
        c = torch.sigmoid(keep) * memory.c + torch.sigmoid(enter) * torch.tanh(new)
        return Memory(torch.sigmoid(leave) * torch.tanh(c), c)

    def predict(self, h: Float[Tensor, "*batch H"]) -> Prediction:
        """What follows, read off the LSTM's output."""
        return self._read((h.to(torch.bfloat16) @ self._head_weight).float() + self.head.bias)
