"""C: a linear policy, or one with a small hidden layer, for many candidates at once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from worldmodels.models.rnn import Memory


@dataclass(frozen=True)
class ControllerSizes:
    """The layout of C's parameter vector: weights row by row, then biases, layer by layer."""

    latent: int
    memory: int  # H
    action: int
    inputs: str  # "z", "z+h" or "z+c+h"
    hidden: int  # units of the tanh layer; 0 for none
    bias: bool

    @property
    def features(self) -> int:
        """How many numbers C sees."""
        return self.latent + self.memory * self.inputs.count("+")

    @property
    def layers(self) -> tuple[tuple[int, int], ...]:
        """(inputs, outputs) of each layer."""
        if self.hidden == 0:
            return ((self.features, self.action),)
        return ((self.features, self.hidden), (self.hidden, self.action))

    @property
    def parameters(self) -> int:
        """D, the length of the parameter vector that CMA-ES searches."""
        return sum((inputs + int(self.bias)) * outputs for inputs, outputs in self.layers)


def features(
    sizes: ControllerSizes, z: Float[Tensor, "B Z"], memory: Memory
) -> Float[Tensor, "B F"]:
    """What C sees, in the order that the paper writes it: z, c, h."""
    if sizes.inputs == "z":
        return z
    if sizes.inputs == "z+h":
        return torch.cat([z, memory.h], dim=-1)
    return torch.cat([z, memory.c, memory.h], dim=-1)


def control(
    sizes: ControllerSizes, parameters: Float[Tensor, "B D"], seen: Float[Tensor, "B F"]
) -> Float[Tensor, "B A"]:
    """C's raw output, before the game squashes it; row i uses parameter vector i."""
    value, offset = seen, 0
    for number, (inputs, outputs) in enumerate(sizes.layers):
        if number > 0:
            value = torch.tanh(value)
        weight = parameters[:, offset : offset + inputs * outputs].unflatten(1, (outputs, inputs))
        offset += inputs * outputs
        # Not a batched product, which takes two to four times as long over such thin matrices.
        value = (weight * value.unsqueeze(1)).sum(-1)
        if sizes.bias:
            value = value + parameters[:, offset : offset + outputs]
            offset += outputs
    return value
