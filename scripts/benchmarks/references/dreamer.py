"""Dreaming in the plain way: one dream at a time, one thread."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from worldmodels.data.weights import load_first_latents, load_rnn
from worldmodels.experiments.doom import EXPERIMENT
from worldmodels.worlds.dream import DreamWorld

LONGEST = 2100


@dataclass(frozen=True)
class PlainDreamer:
    """C in one dream of the M in `rnn`."""

    rnn: Path
    temperature: float

    @property
    def has_networks(self) -> bool:
        """M and C compute."""
        return True

    def open(self, device: torch.device) -> Callable[[float], tuple[int, float]]:
        """Load M; the function dreams for some seconds: steps, and the seconds they took."""
        rnn = load_rnn(self.rnn, device)
        dream = DreamWorld(
            rnn,
            load_first_latents(self.rnn),
            EXPERIMENT.action_space(),
            1,
            temperature=self.temperature,
            max_episode_steps=LONGEST,
            autoreset_mode="Disabled",
        )
        controller = nn.Linear(rnn.sizes.latent + 2 * rnn.sizes.hidden, 1, bias=False)
        seeds = itertools.count(1)

        @torch.no_grad()
        def sleep(seconds: float) -> tuple[int, float]:
            steps, ended = 0, True
            began = time.perf_counter()
            while time.perf_counter() - began < seconds:
                if ended:
                    dream.reset(seed=next(seeds))
                seen = torch.cat([dream.z, dream.memory.c, dream.memory.h], dim=1)
                action = controller(seen).tanh()
                _, _, terminated, truncated, _ = dream.step(action.numpy())
                ended = bool(terminated[0] or truncated[0])
                steps += 1
            return steps, time.perf_counter() - began

        return sleep
