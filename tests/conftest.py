"""One thread a process, no display, and the shapes in the annotations enforced."""

from __future__ import annotations

import os

# Before the first import of NumPy, PyTorch and pygame, which read these once.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["NUMBA_NUM_THREADS"] = "1"
os.environ["SDL_VIDEODRIVER"] = "dummy"
os.environ["SDL_AUDIODRIVER"] = "dummy"

import torch
from jaxtyping import install_import_hook

torch.set_num_threads(1)

# Before the first import of these modules: afterwards the hook would do nothing, silently.
install_import_hook(
    [
        "worldmodels.models",
        "worldmodels.worlds",
        "worldmodels.data",
        "worldmodels.evolution.rollout",
        "worldmodels.evolution.dreaming",
        "worldmodels.play",
        "worldmodels.toys",
        "worldmodels.web",
    ],
    # The tower: an int will do where a float is asked for, as PEP 484 has it.
    "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))",
)
