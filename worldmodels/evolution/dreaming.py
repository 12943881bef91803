"""C acting inside a dream, where M's memory is the dream's own."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from worldmodels.models.agent import Squash
from worldmodels.models.batches import fitted
from worldmodels.models.controller import ControllerSizes, control, features
from worldmodels.models.rnn import Memory
from worldmodels.worlds.dream import DreamWorld


class DreamPolicy:
    """Plays W dreams side by side, each with a parameter vector of its own.

    In the dream C need not keep a memory beside M's: the world's is the same, computed once.
    """

    def __init__(
        self,
        world: DreamWorld,
        sizes: ControllerSizes,
        squash: Squash,
        parameters: Float[np.ndarray, "P D"],
    ) -> None:
        """Candidates are rows of `parameters`, D numbers each."""
        self._world, self._sizes, self._squash = world, sizes, squash
        self._candidates = torch.as_tensor(parameters, dtype=torch.float32, device=world.z.device)
        self._parameters = self._candidates.new_zeros(world.num_envs, sizes.parameters)

    def begin(
        self,
        slots: Int[np.ndarray, " N"],
        seeds: Int[np.ndarray, " N"],
        candidates: Int[np.ndarray, " N"],
    ) -> None:
        """Start new dreams in `slots`."""
        device = self._candidates.device
        chosen = self._candidates[torch.as_tensor(candidates, device=device)]
        self._parameters[torch.as_tensor(slots, device=device)] = chosen

    @torch.inference_mode()
    def act(
        self, observations: Float[np.ndarray, "W Z"], running: Int[np.ndarray, " N"] | None = None
    ) -> Float[np.ndarray, "W A"]:
        """The actions for the latents and memories that the dreams are at.

        Those of slots that are not among the `running` have no meaning; None: all run.
        """
        z, memory, parameters = self._world.z, self._world.memory, self._parameters
        rows = np.arange(len(z)) if running is None else fitted(running, len(z))
        if len(rows) == len(z):
            return self._actions(parameters, z, memory)
        where = torch.as_tensor(rows, device=z.device)
        some = Memory(memory.h[where], memory.c[where])
        action = np.zeros((len(z), self._sizes.action), np.float32)
        action[rows] = self._actions(parameters[where], z[where], some)
        return action

    def _actions(
        self, parameters: Float[Tensor, "B D"], z: Float[Tensor, "B Z"], memory: Memory
    ) -> Float[np.ndarray, "B A"]:
        raw = control(self._sizes, parameters, features(self._sizes, z, memory))
        return self._squash(raw).cpu().numpy()
