"""V, M and C acting together on a batch of episodes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from worldmodels.models import noise
from worldmodels.models.controller import ControllerSizes, control, features
from worldmodels.models.encoder import make_encoder
from worldmodels.models.rnn import Memory, Rnn
from worldmodels.models.vae import Vae

Squash = Callable[[Tensor], Tensor]
POSTERIOR_STREAM = 11  # of the noise that samples V's posterior


@dataclass(frozen=True)
class Agent:
    """What all candidates of a search share: V, M, C's layout, and the game's action rule."""

    vae: Vae
    rnn: Rnn
    controller: ControllerSizes
    squash: Squash  # C's raw output (B, A) -> action (B, A)
    sample_latent: bool  # C sees a sample of V's posterior rather than its mean


class AgentPolicy:
    """Plays W episodes side by side, each with a parameter vector of its own.

    All networks always see W rows, idle slots included, so that an episode's numbers do not
    depend on how many others are still running.
    """

    def __init__(self, agent: Agent, parameters: Float[np.ndarray, "P D"], width: int) -> None:
        """Candidates are rows of `parameters`, D numbers each."""
        self.agent = agent
        self.device = agent.rnn.head.weight.device
        self._encode = make_encoder(agent.vae, width)
        self._candidates = torch.as_tensor(parameters, dtype=torch.float32, device=self.device)
        self._parameters = self._candidates.new_zeros(width, agent.controller.parameters)
        self._seed = torch.zeros(width, dtype=torch.int64, device=self.device)
        self._step = torch.zeros(width, dtype=torch.int64, device=self.device)
        self._memory = agent.rnn.start(width)
        self.z = self._candidates.new_zeros(width, agent.vae.sizes.latent)  # (W, Z), last seen

    def begin(
        self,
        slots: Int[np.ndarray, " N"],
        seeds: Int[np.ndarray, " N"],
        candidates: Int[np.ndarray, " N"],
    ) -> None:
        """Start new episodes in `slots`."""
        where = torch.as_tensor(slots, device=self.device)
        self._parameters[where] = self._candidates[torch.as_tensor(candidates, device=self.device)]
        self._seed[where] = torch.as_tensor(seeds, dtype=torch.int64, device=self.device)
        self._step[where] = 0
        h, c = self._memory.h.clone(), self._memory.c.clone()
        h[where] = 0
        c[where] = 0
        self._memory = Memory(h, c)

    @torch.inference_mode()
    def act(self, frames: UInt8[np.ndarray, "W 64 64 3"]) -> Float[np.ndarray, "W A"]:
        """The actions for the frames just seen; moves M's memory on by one step."""
        agent = self.agent
        posterior = self._encode(frames)
        self.z = posterior.mean
        if agent.sample_latent:
            latent = posterior.mean.shape[1]
            draw = noise.normal(self._seed, self._step, POSTERIOR_STREAM, latent)
            self.z = posterior.sample(draw)
        seen = features(agent.controller, self.z, self._memory)
        action = agent.squash(control(agent.controller, self._parameters, seen))
        if agent.controller.inputs != "z":  # else nobody reads the memory
            self._memory = agent.rnn.step(self.z, action, self._step == 0, self._memory)
        self._step += 1
        return action.cpu().numpy()
