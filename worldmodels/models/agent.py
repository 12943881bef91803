"""V, M and C acting together on a batch of episodes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from worldmodels.models import noise
from worldmodels.models.batches import fitted
from worldmodels.models.controller import ControllerSizes, control, features
from worldmodels.models.encoder import Encode, make_encoder
from worldmodels.models.rnn import Memory, Rnn
from worldmodels.models.vae import Posterior, Vae

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
    precision: torch.dtype = torch.float32  # of V's convolutions


class AgentPolicy:
    """Plays W episodes side by side, each with a parameter vector of its own.

    V, which costs most, sees few sizes of batches; C and M always see W rows, idle ones included:
    an episode's numbers do not depend on how many others are still running.
    """

    def __init__(self, agent: Agent, parameters: Float[np.ndarray, "P D"], width: int) -> None:
        """Candidates are rows of `parameters`, D numbers each."""
        self.agent = agent
        self.device = agent.rnn.head.weight.device
        self._encoders: dict[int, Encode] = {}  # by the number of frames that they take
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
    def act(
        self,
        frames: UInt8[np.ndarray, "W 64 64 3"],
        running: Int[np.ndarray, " N"] | None = None,
    ) -> Float[np.ndarray, "W A"]:
        """The actions for the frames just seen; moves M's memory on by one step.

        Those of slots that are not among the `running` have no meaning; None: all run.
        """
        agent = self.agent
        posterior = self._see(frames, running)
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

    def _see(
        self, frames: UInt8[np.ndarray, "W 64 64 3"], running: Int[np.ndarray, " N"] | None
    ) -> Posterior:
        """V's posterior of every frame; that of idle slots is the standard normal."""
        width = len(frames)
        rows = np.arange(width) if running is None else fitted(running, width)
        if len(rows) not in self._encoders:
            self._encoders[len(rows)] = make_encoder(
                self.agent.vae, len(rows), self.agent.precision
            )
        encode = self._encoders[len(rows)]
        if len(rows) == width:
            return encode(frames)
        seen, where = encode(frames[rows]), torch.as_tensor(rows, device=self.device)
        blank = torch.zeros_like(self.z)
        return Posterior(
            blank.index_copy(0, where, seen.mean), blank.index_copy(0, where, seen.logvar)
        )
