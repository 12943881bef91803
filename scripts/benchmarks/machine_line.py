"""What machine the numbers are of, in a line."""

from __future__ import annotations

import os
import platform
from importlib import metadata

from worldmodels import machine

PACKAGES = ("torch", "numpy", "numba", "gymnasium", "worldmodels")


def machine_line() -> str:
    """Processor, cores, memory, GPU, versions, and how busy the machine was beforehand."""
    parts = [
        machine.describe(),
        _gpu(),
        f"Python {platform.python_version()}",
        *(f"{name} {_version(name)}" for name in PACKAGES),
        f"load {os.getloadavg()[0]:.1f} beforehand",
    ]
    return ", ".join(parts)


def _gpu() -> str:
    import torch

    if not torch.cuda.is_available():
        return "no GPU"
    return f"{torch.cuda.device_count()} x {torch.cuda.get_device_name(0)}"


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
