"""Training V in the plain way: float32, channels first, all frames in memory."""

from __future__ import annotations

import time

import numpy as np
import torch
from torch.nn import functional

from worldmodels.models.vae import Vae, VaeSizes

KL_TOLERANCE = 0.5  # nats a dimension of z


class PlainVaeTraining:
    """V's network in a loop as one would write it with PyTorch."""

    def __init__(
        self, frames: np.ndarray, latent: int, batch_size: int, device: torch.device
    ) -> None:
        """Learn from `frames` (N, 64, 64, 3) of bytes."""
        images = torch.from_numpy(frames).permute(0, 3, 1, 2).contiguous()
        self._images, self._latent, self._batch_size = images.to(device), latent, batch_size
        self._vae = Vae(VaeSizes(latent)).to(device)
        self._adam = torch.optim.Adam(self._vae.parameters(), lr=1e-4)

    def __call__(self, steps: int) -> float:
        """Frames in a second."""
        began = time.perf_counter()
        for _ in range(steps):
            chosen = torch.randint(len(self._images), (self._batch_size,))
            image = self._images[chosen].float() / 255
            posterior = self._vae.encode(image)
            decoded = self._vae.decode(posterior.sample(torch.randn_like(posterior.mean)))
            error = functional.mse_loss(decoded, image, reduction="none").sum((1, 2, 3))
            kl = posterior.kl().clamp(min=KL_TOLERANCE * self._latent)
            loss = (error + kl).mean()
            self._adam.zero_grad()
            loss.backward()
            self._adam.step()
            loss.item()
        return steps * self._batch_size / (time.perf_counter() - began)
