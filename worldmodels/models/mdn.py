"""Mixtures of Gaussians over each dimension of the next latent, in log space."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

LOG_SQRT_2PI = 0.5 * math.log(2 * math.pi)


@dataclass(frozen=True)
class Mixture:
    """Z independent one-dimensional mixtures of K Gaussians."""

    logits: Float[Tensor, "*batch Z K"]  # unnormalised log weights
    mean: Float[Tensor, "*batch Z K"]
    log_std: Float[Tensor, "*batch Z K"]

    def log_prob(self, value: Float[Tensor, "*batch Z"]) -> Float[Tensor, "*batch Z"]:
        """Log density of `value` in nats, one number a dimension.

        Bishop (1994), "Mixture Density Networks", equation 23, kept in log space so that far-off
        values give large losses instead of log 0.
        """
        deviation = (value.unsqueeze(-1) - self.mean) * torch.exp(-self.log_std)
        log_normal = -0.5 * deviation.square() - self.log_std - LOG_SQRT_2PI
        return torch.logsumexp(self.logits.log_softmax(-1) + log_normal, dim=-1)

    def sample(
        self,
        uniform: Float[Tensor, "*batch Z"],
        noise: Float[Tensor, "*batch Z"],
        temperature: float,
    ) -> Float[Tensor, "*batch Z"]:
        """A draw at temperature tau: logits are divided by tau, deviations scaled by sqrt(tau).

        `uniform` in [0, 1) picks the component, standard normal `noise` the place within it.
        """
        # Not softmax, which is slow over so few numbers: the draw is scaled up instead.
        highest = self.logits.amax(-1, keepdim=True)
        below = torch.exp((self.logits - highest) / temperature).cumsum(-1)
        component = (below[..., :-1] <= uniform.unsqueeze(-1) * below[..., -1:]).sum(-1, True)
        mean = self.mean.gather(-1, component).squeeze(-1)
        log_std = self.log_std.gather(-1, component).squeeze(-1)
        return mean + log_std.exp() * math.sqrt(temperature) * noise


def split_mixture(raw: Float[Tensor, "*batch outputs"], mixtures: int) -> Mixture:
    """The 3*Z*K outputs of a network as a mixture of `mixtures` components."""
    logits, mean, log_std = raw.unflatten(-1, (3, -1, mixtures)).unbind(-3)
    return Mixture(logits, mean, log_std)
