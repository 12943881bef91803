"""C acting inside a dream, where M's memory is the dream's own."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int

from worldmodels.models.agent import Squash
from worldmodels.models.controller import ControllerSizes, control, features
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
        """The actions for the latents and memories that the dreams are at."""
        seen = features(self._sizes, self._world.z, self._world.memory)
        raw = control(self._sizes, self._parameters, seen)
        return self._squash(raw).cpu().numpy()
