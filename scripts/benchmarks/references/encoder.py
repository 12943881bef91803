"""Encoding in the plain way: one frame at a time."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch

from worldmodels.data.weights import load_vae


class PlainEncoder:
    """V as one would call it with PyTorch."""

    def __init__(self, vae: Path, frames: np.ndarray) -> None:
        """Encode `frames` (N, 64, 64, 3), again and again."""
        self._vae = load_vae(vae, "cpu")
        self._vae.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
        self._frames = frames

    @torch.no_grad()
    def __call__(self, seconds: float) -> float:
        """Frames in a second, over some seconds."""
        done = 0
        began = time.perf_counter()
        while (elapsed_s := time.perf_counter() - began) < seconds:
            frame = torch.from_numpy(self._frames[done % len(self._frames)])
            image = frame.permute(2, 0, 1).unsqueeze(0).contiguous() / 255
            self._vae.encode(image)
            done += 1
        return done / elapsed_s
