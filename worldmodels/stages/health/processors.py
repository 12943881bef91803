"""Which processor and which GPUs PyTorch computes on."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

from worldmodels import machine
from worldmodels.device import resolve_precision
from worldmodels.stages.health.finding import Finding, shortened

NVIDIA_DRIVER = Path("/proc/driver/nvidia")
GIB = 2**30


def processor() -> Finding:
    """The processor, and the arithmetic that `precision = "auto"` means on it."""
    import torch

    automatic = resolve_precision("auto", torch.device("cpu"))
    threads = torch.get_num_threads()
    return Finding(
        "ok", f"{machine.processor()}, {threads} threads; precision auto is {_name(automatic)}"
    )


def gpu() -> Finding:
    """The GPUs that PyTorch can use, having computed something on each."""
    import torch

    # PyTorch says as a warning why it cannot use a driver, and then that there is no GPU.
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if count == 0:
        reason = shortened(str(said[0].message)) if said else ""
        return _no_gpu(torch.version.cuda, reason)
    try:
        return Finding("ok", "; ".join(_describe(index) for index in range(count)))
    except RuntimeError as error:  # the GPU is full, or too old or new for this PyTorch
        return Finding(
            "FAIL",
            f"PyTorch cannot compute on {torch.cuda.get_device_name(0)}: {shortened(str(error))}",
            "see with `nvidia-smi` whether it is full, or install a PyTorch built for it; "
            "`--device cpu` works meanwhile",
        )


def _describe(index: int) -> str:
    """A GPU in words. Raises RuntimeError if nothing can be computed on it."""
    import torch

    device = torch.device("cuda", index)
    torch.ones(8, device=device).sum().item()
    free, total = torch.cuda.mem_get_info(device)
    return (
        f"{torch.cuda.get_device_name(device)}, {free / GIB:.1f} GiB free of {total / GIB:.1f}, "
        f"precision auto is {_name(resolve_precision('auto', device))}"
    )


def _no_gpu(cuda: str | None, reason: str) -> Finding:
    """What it means that PyTorch, built for `cuda` or for none, sees no GPU."""
    if not (NVIDIA_DRIVER.exists() or shutil.which("nvidia-smi")):
        return Finding("ok", "none; everything runs on the processor")
    if cuda is None:
        return Finding(
            "warn",
            "an NVIDIA driver is here, but this PyTorch is built without CUDA",
            "`pip install --force-reinstall torch --index-url https://download.pytorch.org/whl/cu126`",
        )
    return Finding(
        "warn",
        f"an NVIDIA driver is here, but PyTorch (built for CUDA {cuda}) sees no GPU"
        + (f": {reason}" if reason else ""),
        "see whether `nvidia-smi` lists it and CUDA_VISIBLE_DEVICES hides it, or update the driver",
    )


def _name(kind: object) -> str:
    return str(kind).removeprefix("torch.")
