"""V's encoder for acting on a processor: the same function with fewer multiplications.

A convolution of kernel 4 and stride 2 is one of kernel 2 and stride 1 over blocks of 2x2 pixels.
Winograd's minimal filtering F(2x2, 2x2) computes four outputs of such a convolution with 9
products instead of 16 (Winograd 1980; Lavin & Gray 2016, "Fast algorithms for convolutional
neural networks"), and the products of a whole batch are 9 matrix products. In one dimension:

    y0 = x0 w0 + x1 w1 = (x0 - x1) w0 + x1 (w0 + w1)
    y1 = x1 w0 + x2 w1 = x1 (w0 + w1) + (x2 - x1) w1
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import nn

from worldmodels.kernel import kernel
from worldmodels.models.vae import Posterior, Vae, to_image

Encode = Callable[[np.ndarray], Posterior]

PRODUCTS = 9
CHUNK = 4  # frames that go through the first two layers together, so that these fit into caches
FIRST_SIDE = 31  # of the first layer's output
PATCH = 4  # kernel size


def make_encoder(vae: Vae, width: int) -> Encode:
    """V's encoder for `width` frames (width, 64, 64, 3) at a time, where V computes."""
    device = vae.mean.weight.device
    if device.type == "cpu":
        return FastEncoder(vae, width)
    return lambda frames: vae.encode(to_image(torch.as_tensor(frames, device=device)))


class FastEncoder:
    """The posteriors of W frames at a time; equal to `Vae.encode` but for rounding."""

    @torch.no_grad()
    def __init__(self, vae: Vae, width: int) -> None:
        """Takes V's present weights; `width` is the only number of frames that is accepted."""
        layers = [layer for layer in vae.encoder if isinstance(layer, nn.Conv2d)]
        self._chunk = math.gcd(width, CHUNK)
        self._first = _FirstLayer(layers[0], self._chunk)
        self._second = _Layer(layers[1], self._chunk, 31)
        self._third = _Layer(layers[2], width, 14)
        self._fourth = _Layer(layers[3], width, 6)
        self._half = np.empty((width, 14, 14, layers[1].out_channels), np.float32)
        self._biases = [_array(layer.bias) for layer in layers]
        heads = torch.cat([vae.mean.weight, vae.logvar.weight])
        channels = layers[-1].out_channels
        # The encoder's output lies here with channels last, while `Vae` flattens it channels first.
        heads = heads.unflatten(1, (channels, -1)).transpose(1, 2).flatten(1)
        self._heads = heads.t().contiguous()
        self._head_bias = torch.cat([vae.mean.bias, vae.logvar.bias])

    @torch.no_grad()
    def __call__(self, frames: UInt8[np.ndarray, "W 64 64 3"]) -> Posterior:
        """The posterior over z of each frame."""
        first, second, third, last = self._biases
        for start in range(0, len(frames), self._chunk):
            part = slice(start, start + self._chunk)
            self._second.apply(self._first.apply(frames[part]), first, self._half[part])
        quarter = self._third.apply(self._half, second)
        raw = self._fourth.apply(quarter, third)
        features = torch.relu(torch.from_numpy(raw + last)).flatten(1)
        mean, logvar = torch.addmm(self._head_bias, features, self._heads).chunk(2, dim=1)
        return Posterior(mean, logvar)


class _FirstLayer:
    """The convolution over a picture: its few channels make for one small matrix product."""

    def __init__(self, layer: nn.Conv2d, width: int) -> None:
        outputs = layer.out_channels
        # Bytes are multiplied as they are: 1/255 is in the weights.
        self._weight = (layer.weight.permute(2, 3, 1, 0).reshape(-1, outputs) / 255).contiguous()
        self._patches = torch.empty(width * FIRST_SIDE**2, len(self._weight))
        self._raw = torch.empty(width * FIRST_SIDE**2, outputs)

    def apply(self, frames: UInt8[np.ndarray, "W 64 64 3"]) -> Float[np.ndarray, "W 31 31 out"]:
        """The convolution without its bias; overwritten next time."""
        _cut_patches(frames, self._patches.numpy())
        torch.mm(self._patches, self._weight, out=self._raw)
        return self._raw.numpy().reshape(len(frames), FIRST_SIDE, FIRST_SIDE, -1)


class _Layer:
    """A convolution of kernel 4 and stride 2 with room for its intermediate results."""

    def __init__(self, layer: nn.Conv2d, width: int, side: int) -> None:
        """`side` is that of the input."""
        inputs, outputs = layer.in_channels, layer.out_channels
        tiles = (side - PATCH + 2) // 4  # 2x2 outputs each
        # (outputs, inputs, 2 a + row, 2 b + column) -> a, b, (row, column, inputs), outputs
        kernel = layer.weight.reshape(outputs, inputs, 2, 2, 2, 2).permute(2, 4, 3, 5, 1, 0)
        kernel = kernel.reshape(2, 2, 4 * inputs, outputs)
        rows = torch.stack([kernel[0], kernel[0] + kernel[1], kernel[1]])
        both = torch.stack([rows[:, 0], rows[:, 0] + rows[:, 1], rows[:, 1]], dim=1)
        self._weight = both.flatten(0, 1).contiguous()
        # One row to spare: else the nine matrices lie a power of two apart in memory, and writing
        # to all of them at once would use the same few lines of the cache.
        self._seen = torch.empty(PRODUCTS, width * tiles**2 + 1, 4 * inputs)[:, :-1]
        self._products = torch.empty(PRODUCTS, width * tiles**2, outputs)
        self._raw = np.empty((width, 2 * tiles, 2 * tiles, outputs), np.float32)

    def apply(
        self,
        raw: Float[np.ndarray, "W side side inputs"],
        bias: Float[np.ndarray, " inputs"],
        into: Float[np.ndarray, "W half half outputs"] | None = None,
    ) -> Float[np.ndarray, "W half half outputs"]:
        """The convolution of relu(raw + bias), without its own bias; overwritten next time."""
        _transform(raw, bias, self._seen.numpy())
        torch.bmm(self._seen, self._weight, out=self._products)
        into = self._raw if into is None else into
        _collect(self._products.numpy(), into)
        return into


def _array(parameter: Any) -> np.ndarray:
    return np.ascontiguousarray(parameter.detach().numpy())


@kernel
def _cut_patches(frames: np.ndarray, patches: np.ndarray) -> None:
    """Every 4x4 patch at stride 2 as a row of (row, column, colour)."""
    side = FIRST_SIDE
    rows = frames.reshape(frames.shape[0], frames.shape[1], -1)
    for w in range(frames.shape[0]):
        for y in range(side):
            for x in range(side):
                row = (w * side + y) * side + x
                for dy in range(4):
                    for k in range(12):  # the colours of four pixels, which lie in a row
                        patches[row, 12 * dy + k] = rows[w, 2 * y + dy, 6 * x + k]


@kernel
def _transform(raw: np.ndarray, bias: np.ndarray, seen: np.ndarray) -> None:
    """Winograd's sums of inputs: relu(raw + bias) in tiles of 3x3 blocks of 2x2 pixels."""
    width, inputs = raw.shape[0], raw.shape[3]
    tiles = (raw.shape[1] - 2) // 4
    block = np.empty((3, 3, inputs), np.float32)
    for w in range(width):
        for ty in range(tiles):
            for tx in range(tiles):
                tile = (w * tiles + ty) * tiles + tx
                for dy in range(2):
                    for dx in range(2):
                        _read_block(raw[w, 4 * ty + dy :, 4 * tx + dx :], bias, block)
                        _transform_block(block, seen[:, tile], (2 * dy + dx) * inputs)


@kernel
def _read_block(raw: np.ndarray, bias: np.ndarray, block: np.ndarray) -> None:
    """One pixel of each of 3x3 blocks of 2x2 pixels."""
    zero = np.float32(0)
    for a in range(3):
        for b in range(3):
            for c in range(block.shape[2]):
                value = raw[2 * a, 2 * b, c] + bias[c]
                block[a, b, c] = zero if value < zero else value


@kernel
def _transform_block(block: np.ndarray, seen: np.ndarray, start: int) -> None:
    for c in range(block.shape[2]):
        x10, x11, x12 = block[1, 0, c], block[1, 1, c], block[1, 2, c]
        up0, up1, up2 = block[0, 0, c] - x10, block[0, 1, c] - x11, block[0, 2, c] - x12
        low0, low1, low2 = block[2, 0, c] - x10, block[2, 1, c] - x11, block[2, 2, c] - x12
        seen[0, start + c] = up0 - up1
        seen[1, start + c] = up1
        seen[2, start + c] = up2 - up1
        seen[3, start + c] = x10 - x11
        seen[4, start + c] = x11
        seen[5, start + c] = x12 - x11
        seen[6, start + c] = low0 - low1
        seen[7, start + c] = low1
        seen[8, start + c] = low2 - low1


@kernel
def _collect(products: np.ndarray, raw: np.ndarray) -> None:
    """Winograd's sums of products: 2x2 outputs of every tile."""
    width, tiles, outputs = raw.shape[0], raw.shape[1] // 2, raw.shape[3]
    for w in range(width):
        for ty in range(tiles):
            for tx in range(tiles):
                tile = (w * tiles + ty) * tiles + tx
                for c in range(outputs):
                    p = products[:, tile, c]
                    upper0, upper1, upper2 = p[0] + p[3], p[1] + p[4], p[2] + p[5]
                    lower0, lower1, lower2 = p[3] + p[6], p[4] + p[7], p[5] + p[8]
                    raw[w, 2 * ty, 2 * tx, c] = upper0 + upper1
                    raw[w, 2 * ty, 2 * tx + 1, c] = upper1 + upper2
                    raw[w, 2 * ty + 1, 2 * tx, c] = lower0 + lower1
                    raw[w, 2 * ty + 1, 2 * tx + 1, c] = lower1 + lower2
