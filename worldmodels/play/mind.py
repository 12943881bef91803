"""V and M looking on as a single episode is played, and C, where there is one."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, UInt8

from worldmodels.data.weights import SavedController
from worldmodels.errors import WorldModelsError
from worldmodels.models import noise
from worldmodels.models.agent import POSTERIOR_STREAM, Squash
from worldmodels.models.controller import control, features
from worldmodels.models.rnn import Memory, Rnn
from worldmodels.models.vae import Vae, to_frame, to_image

COMPONENT, WITHIN = 21, 22  # streams of the noise with which M's expectation is drawn


class Mind:
    """What an agent sees, remembers and expects while somebody, it or a person, acts."""

    def __init__(
        self, vae: Vae, rnn: Rnn, controller: SavedController | None, squash: Squash
    ) -> None:
        """Without a `controller` it only looks on; one that was evolved beside an untrained M has
        no use for M's expectations."""
        self.vae, self.rnn, self._squash = vae, rnn, squash
        self.controller = controller
        self._device = rnn.head.weight.device
        self.can_act = controller is not None
        self.can_dream = controller is None or controller.trained_rnn
        self._parameters: torch.Tensor | None = None
        if controller is not None:
            self._parameters = torch.as_tensor(controller.parameters, device=self._device)[None]
        self.begin(0)

    def begin(self, seed: int) -> None:
        """A new episode: nothing is seen, remembered or expected."""
        self._seed = torch.full((1,), seed, dtype=torch.int64, device=self._device)
        self._step = torch.zeros(1, dtype=torch.int64, device=self._device)
        self.z = self.rnn.head.weight.new_zeros(1, self.vae.sizes.latent)  # (1, Z)
        self.memory = self.rnn.start(1)
        self.expected: Float[torch.Tensor, "1 Z"] | None = None  # z of the present frame

    @property
    def is_fresh(self) -> bool:
        """Whether no step of the episode has been taken yet."""
        return int(self._step) == 0

    @torch.inference_mode()
    def see(self, frame: UInt8[np.ndarray, "64 64 3"]) -> None:
        """Look at the present frame: z is what C would see of it."""
        posterior = self.vae.encode(to_image(torch.as_tensor(frame[None], device=self._device)))
        self.z = posterior.mean
        if self.controller is not None and self.controller.sample_latent:
            size = self.vae.sizes.latent
            self.z = posterior.sample(noise.normal(self._seed, self._step, POSTERIOR_STREAM, size))

    @torch.inference_mode()
    def choose(self, z: Float[torch.Tensor, "1 Z"], memory: Memory) -> Float[np.ndarray, " A"]:
        """C's action. Raises WorldModelsError where there is no C."""
        if self.controller is None or self._parameters is None:
            raise WorldModelsError("there is no C that could act.")
        sizes = self.controller.sizes
        raw = control(sizes, self._parameters, features(sizes, z, memory))
        return self._squash(raw)[0].cpu().numpy()

    @torch.inference_mode()
    def remember(self, action: Float[np.ndarray, " A"], temperature: float) -> None:
        """Take note of the action on the present frame, and expect the next one."""
        taken = torch.as_tensor(action, dtype=torch.float32, device=self._device)[None]
        self.memory = self.rnn.step(self.z, taken, self._step == 0, self.memory)
        latent = self.rnn.predict(self.memory.h).latent
        size = self.vae.sizes.latent
        pick = noise.uniform(self._seed, self._step, COMPONENT, size)
        draw = noise.normal(self._seed, self._step, WITHIN, size)
        self.expected = latent.sample(pick, draw, temperature)
        self._step = self._step + 1

    @torch.inference_mode()
    def decode(self, *latents: Float[torch.Tensor, "1 Z"]) -> UInt8[np.ndarray, "N 64 64 3"]:
        """The frames that N latents stand for; all at once costs little more than one."""
        return to_frame(self.vae.decode(torch.cat(latents))).cpu().numpy()
