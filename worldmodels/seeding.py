"""Independent random streams, derived by name from one root seed."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

Name = str | int


def derive(root: int, *names: Name) -> int:
    """A seed in [0, 2**31) that belongs to `names` under `root`.

    The same names give the same seed on every machine and in every order of calling, so the
    result of a unit of work does not depend on which worker did it, or when. 31 bits, because
    that is what every game accepts.
    """
    key = "/".join([str(root), *map(str, names)]).encode()
    return int.from_bytes(hashlib.sha256(key).digest()[:4], "little") >> 1


def generator(root: int, *names: Name) -> np.random.Generator:
    """A NumPy generator for the stream `names` under `root`."""
    key = "/".join([str(root), *map(str, names)]).encode()
    return np.random.default_rng(int.from_bytes(hashlib.sha256(key).digest(), "little"))


def torch_generator(device: torch.device | str, root: int, *names: Name) -> torch.Generator:
    """A torch generator on `device` for the stream `names` under `root`.

    Training loops make a fresh one at every step from the step's number: then no random state
    has to be saved for a resumed run to equal an uninterrupted one.
    """
    import torch

    return torch.Generator(device=device).manual_seed(derive(root, *names))


@contextlib.contextmanager
def torch_seeded(seed: int) -> Iterator[None]:
    """Within it torch's global generator starts from `seed`; outside it is untouched.

    For the one thing that cannot be handed a generator: the random start of a network's layers.
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
