"""Random numbers that depend on (seed, step, dimension) alone.

A batch of episodes needs noise that is each episode's own: the same whichever slot it plays in,
whatever its neighbours do, and drawn for the whole batch at once. A generator with a state cannot
give that; a hash of the position in the stream can.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor


def _signed(value: int) -> int:
    """A 64-bit constant as the int64 with the same bits."""
    return value - (1 << 64) if value >= 1 << 63 else value


# SplitMix64: Steele, Lea & Flood (2014), "Fast splittable pseudorandom number generators".
GAMMA = _signed(0x9E3779B97F4A7C15)
MIX_1 = _signed(0xBF58476D1CE4E5B9)
MIX_2 = _signed(0x94D049BB133111EB)


def _mixed(x: Int[Tensor, "*shape"]) -> Int[Tensor, "*shape"]:
    """SplitMix64's finaliser; `&` makes the arithmetic shift of int64 a logical one."""
    x = (x ^ ((x >> 30) & ((1 << 34) - 1))) * MIX_1
    x = (x ^ ((x >> 27) & ((1 << 37) - 1))) * MIX_2
    return x ^ ((x >> 31) & ((1 << 33) - 1))


def uniform(
    seed: Int[Tensor, " B"], step: Int[Tensor, " B"], stream: int, size: int
) -> Float[Tensor, "B {size}"]:
    """Uniform numbers in (0, 1), `size` for each pair of seed and step.

    Different values of `stream` give independent numbers for the same seed and step.
    """
    key = _mixed(_mixed(seed * GAMMA + stream) + step * GAMMA)
    dimension = torch.arange(1, size + 1, device=seed.device, dtype=torch.int64)
    # 23 bits, because with 24 the sum below would round to 1 for the largest of them.
    bits = (_mixed(key.unsqueeze(1) + dimension * GAMMA) >> 41) & ((1 << 23) - 1)
    return (bits.float() + 0.5) / (1 << 23)


def normal(
    seed: Int[Tensor, " B"], step: Int[Tensor, " B"], stream: int, size: int
) -> Float[Tensor, "B {size}"]:
    """Standard normal numbers, `size` for each pair of seed and step (inverse distribution)."""
    return torch.erfinv(2 * uniform(seed, step, stream, size) - 1) * math.sqrt(2)
