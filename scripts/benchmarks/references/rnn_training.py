"""Training M in the plain way: nn.LSTM and torch.distributions."""

from __future__ import annotations

import time

import torch
from torch import nn
from torch.distributions import Categorical, MixtureSameFamily, Normal
from torch.nn import functional

from worldmodels.models.rnn import RnnSizes

DONE_WEIGHT = 10.0


class PlainRnnTraining:
    """An M of the same sizes in a loop as one would write it with PyTorch.

    Its sequences are drawn at random and never contain the start of an episode.
    """

    def __init__(self, sizes: RnnSizes, batch_size: int, length: int, device: torch.device) -> None:
        self._sizes, self._shape = sizes, (batch_size, length)
        inputs = sizes.latent + sizes.action + int(sizes.done_head)
        self._lstm = nn.LSTM(inputs, sizes.hidden, batch_first=True).to(device)
        outputs = 3 * sizes.latent * sizes.mixtures + int(sizes.done_head)
        self._head = nn.Linear(sizes.hidden, outputs).to(device)
        self._parameters = [*self._lstm.parameters(), *self._head.parameters()]
        self._adam = torch.optim.Adam(self._parameters, lr=1e-3)
        self._inputs = torch.randn(*self._shape, inputs, device=device)
        self._next_z = torch.randn(*self._shape, sizes.latent, device=device)
        self._done = (torch.rand(*self._shape, device=device) < 1 / 300).float()

    def __call__(self, steps: int) -> float:
        """Transitions in a second."""
        began = time.perf_counter()
        for _ in range(steps):
            out, _ = self._lstm(self._inputs)
            raw = self._head(out)
            size = 3 * self._sizes.latent * self._sizes.mixtures
            parts = raw[..., :size].unflatten(-1, (3, self._sizes.latent, self._sizes.mixtures))
            logits, mean, log_std = parts.unbind(-3)
            mixture = MixtureSameFamily(Categorical(logits=logits), Normal(mean, log_std.exp()))
            loss = -mixture.log_prob(self._next_z).mean()
            if self._sizes.done_head:
                weight = 1 + (DONE_WEIGHT - 1) * self._done
                loss = loss + functional.binary_cross_entropy_with_logits(
                    raw[..., -1], self._done, weight=weight
                )
            self._adam.zero_grad()
            loss.backward()
            nn.utils.clip_grad_value_(self._parameters, 1.0)
            self._adam.step()
            loss.item()
        return steps * self._shape[0] * self._shape[1] / (time.perf_counter() - began)
