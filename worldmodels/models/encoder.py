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
from worldmodels.models.bfloat16 import Bfloat16Encoder
from worldmodels.models.vae import Posterior, Vae, to_image

Encode = Callable[[np.ndarray], Posterior]

PRODUCTS = 9
CHUNK = 4  # frames that go through the first two layers together, so that these fit into caches
FIRST_SIDE = 31  # of the first layer's output
PATCH = 4  # kernel size


def make_encoder(vae: Vae, width: int, precision: torch.dtype = torch.float32) -> Encode:
    """V's encoder for `width` frames (width, 64, 64, 3) at a time, where V computes."""
    device = vae.mean.weight.device
    if device.type == "cpu" and precision == torch.float32:
        return FastEncoder(vae, width)
    if device.type == "cpu" and torch.backends.mkldnn.is_available():
        return Bfloat16Encoder(vae, width)

    def encode(frames: np.ndarray) -> Posterior:
        image = to_image(torch.as_tensor(frames, device=device))
        with torch.autocast(device.type, precision, enabled=precision != torch.float32):
            return vae.encode(image)

    return encode


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
    width, height, columns, colours = frames.shape
    rows = frames.reshape(width, height, columns * colours)
    numbers = np.empty((height, columns * colours), np.float32)
    side = FIRST_SIDE
    for w in range(width):
        for y in range(height):
            for k in range(columns * colours):
                numbers[y, k] = rows[w, y, k]
        for y in range(side):
            for x in range(side):
                row = (w * side + y) * side + x
                for dy in range(4):
                    for k in range(12):  # the colours of four pixels, which lie in a row
                        patches[row, 12 * dy + k] = numbers[2 * y + dy, 6 * x + k]


@kernel
def _transform(raw: np.ndarray, bias: np.ndarray, seen: np.ndarray) -> None:
    """Winograd's sums of inputs: relu(raw + bias) in tiles of 3x3 blocks of 2x2 pixels.

    A tile's row of `seen` is ordered by (row in block, column in block, channel). Sums over the
    rows of blocks are shared by the tiles that lie side by side.
    """
    width, inputs = raw.shape[0], raw.shape[3]
    tiles = (raw.shape[1] - 2) // 4
    sums = np.empty((3, 2 * tiles + 1, 4 * inputs), np.float32)
    for w in range(width):
        for ty in range(tiles):
            _sum_rows(raw, w, 4 * ty, bias, sums)
            _sum_columns(sums, seen, (w * tiles + ty) * tiles)


@kernel
def _sum_rows(raw: np.ndarray, w: int, top: int, bias: np.ndarray, sums: np.ndarray) -> None:
    zero = np.float32(0)
    for dy in range(2):
        y = top + dy
        for x in range(2 * sums.shape[1]):
            block, start = x // 2, (2 * dy + x % 2) * len(bias)
            for c in range(len(bias)):
                upper = raw[w, y, x, c] + bias[c]
                middle = raw[w, y + 2, x, c] + bias[c]
                lower = raw[w, y + 4, x, c] + bias[c]
                upper = zero if upper < zero else upper  # not max, which would lose NaN
                middle = zero if middle < zero else middle
                lower = zero if lower < zero else lower
                sums[0, block, start + c] = upper - middle
                sums[1, block, start + c] = middle
                sums[2, block, start + c] = lower - middle


@kernel
def _sum_columns(sums: np.ndarray, seen: np.ndarray, first_tile: int) -> None:
    for tx in range(sums.shape[1] // 2):
        tile = first_tile + tx
        for r in range(3):
            for c in range(sums.shape[2]):
                middle = sums[r, 2 * tx + 1, c]
                seen[3 * r, tile, c] = sums[r, 2 * tx, c] - middle
                seen[3 * r + 1, tile, c] = middle
                seen[3 * r + 2, tile, c] = sums[r, 2 * tx + 2, c] - middle


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
