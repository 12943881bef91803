"""Driving in the plain way: one game, one frame, one thread."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from worldmodels.experiments.carracing import squash
from worldmodels.models.vae import Vae, VaeSizes
from worldmodels.worlds.carracing import make_car_racing


@dataclass(frozen=True)
class PlainDriver:
    """The official CarRacing played by V, M and C as one would write it with PyTorch."""

    latent: int
    hidden: int

    @property
    def has_networks(self) -> bool:
        """V, M and C compute."""
        return True

    def open(self, device: torch.device) -> Callable[[float], tuple[int, float]]:
        """Start the game; the function drives for some seconds: steps, and seconds they took."""
        env = make_car_racing()
        vae = Vae(VaeSizes(self.latent)).eval()
        rnn = nn.LSTMCell(self.latent + 3, self.hidden)
        controller = nn.Linear(self.latent + self.hidden, 3)
        seeds = itertools.count(1)

        @torch.no_grad()
        def drive(seconds: float) -> tuple[int, float]:
            steps, ended = 0, True
            began = time.perf_counter()
            while time.perf_counter() - began < seconds:
                if ended:
                    frame, _ = env.reset(seed=next(seeds))
                    h = c = torch.zeros(1, self.hidden)
                image = torch.from_numpy(frame).permute(2, 0, 1).unsqueeze(0).contiguous() / 255
                z = vae.encode(image).mean
                action = squash(controller(torch.cat([z, h], dim=1)))
                h, c = rnn(torch.cat([z, action], dim=1), (h, c))
                frame, _, terminated, truncated, _ = env.step(action[0].numpy())
                ended = terminated or truncated
                steps += 1
            return steps, time.perf_counter() - began

        return drive
