"""Which processor a stage computes on, and in what arithmetic."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from worldmodels.errors import WorldModelsError

if TYPE_CHECKING:
    import torch

DeviceName = Literal["auto", "cpu", "cuda"]


def resolve_device(name: DeviceName, worker: int = 0) -> torch.device:
    """The device that `name` means here; several GPUs are dealt out to workers in turn.

    Raises WorldModelsError if a GPU is asked for and there is none.
    """
    import torch

    count = count_gpus(name)
    if name == "cuda" and count == 0:
        raise WorldModelsError(
            "--device cuda: PyTorch sees no GPU here. Use --device cpu, or check the driver and "
            "the installed PyTorch build with `wm doctor`."
        )
    if count == 0:
        return torch.device("cpu")
    return torch.device("cuda", worker % count)


def count_gpus(name: DeviceName) -> int:
    """How many GPUs there are to use; none if `name` is cpu."""
    import torch

    return torch.cuda.device_count() if name != "cpu" and torch.cuda.is_available() else 0


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Within it torch computes on one thread, as every worker does: sums then round the same."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def resolve_precision(name: str, device: torch.device) -> torch.dtype:
    """The arithmetic that `auto`, `float32` or `bfloat16` means on `device`.

    auto is bfloat16 only where the hardware multiplies it: elsewhere it is emulated and slow.
    """
    import torch

    if name == "bfloat16" or (name == "auto" and _multiplies_bfloat16(device)):
        return torch.bfloat16
    return torch.float32


def resolve_acting_precision(name: str, device: torch.device) -> torch.dtype:
    """The arithmetic of V and M in the steps of a search; auto is float32 on a GPU.

    There, single steps of small batches wait for launches, and not for products.
    """
    import torch

    if name == "auto" and device.type == "cuda":
        return torch.float32
    return resolve_precision(name, device)


def _multiplies_bfloat16(device: torch.device) -> bool:
    import torch

    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
