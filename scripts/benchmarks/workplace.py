"""What every row works with: changed configs, quiet stages, networks at their random start."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from worldmodels import seeding
from worldmodels.config import Config, find_config, load_config
from worldmodels.data.weights import random_rnn, save_first_latents, save_network
from worldmodels.device import DeviceName
from worldmodels.evolution.pool import Pool
from worldmodels.models.vae import Vae, VaeSizes
from worldmodels.rundir import Artifact
from worldmodels.stages import extract, train_rnn
from worldmodels.stages.context import Context
from worldmodels.stages.execution import execute
from worldmodels.worlds.dream import FirstLatents

T = TypeVar("T")
SEED = 1


@dataclass(frozen=True)
class Workplace:
    """Where a row is measured, and how thoroughly."""

    folder: Path  # empty at first
    device: DeviceName
    quick: bool

    def pick(self, full: T, quick: T) -> T:
        """`quick` in a short and noisy run."""
        return quick if self.quick else full

    def context(self, config: Config, run: str, pool: Pool | None = None) -> Context:
        """A stage's, in the folder `run`; what that lacks is taken from the folder `base`."""
        return Context(
            config,
            "bench",
            self.folder / run,
            device=self.device,
            inputs_from=self.folder / "base",
            shared_pool=pool,
        )


def changed_config(name: str, **sections: dict[str, Any]) -> Config:
    """A shipped config with some settings changed: `train_ctrl={"population": 8}`."""
    config = load_config(find_config(name))
    for section, changes in sections.items():
        old = getattr(config, section)
        new: Any = (
            {**old, **changes} if isinstance(old, dict) else dataclasses.replace(old, **changes)
        )
        config = config.with_settings(section, new)
    return config


def run_stage(stage: Any, context: Context) -> Artifact:
    """Run a stage as its command does, but quietly; returns what it made."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            execute(stage, context)
    except BaseException:
        sys.stderr.write(said.getvalue())
        raise
    return context.output(stage.makes(context))


def save_start(context: Context) -> tuple[Path, Path]:
    """V and M at their random start as finished artifacts of `context.run`: their folders."""
    rnn = context.output("rnn")
    latent = context.config.train_vae.latent
    save_network(rnn.path, random_rnn(train_rnn.sizes(context, latent), SEED, "cpu"))
    drawn = np.random.default_rng(SEED).normal(size=(100, latent)).astype(np.float32)
    save_first_latents(rnn.path, FirstLatents(drawn, np.zeros_like(drawn)))
    rnn.finish({}, {})
    return save_vae_start(context), rnn.path


def save_vae_start(context: Context) -> Path:
    """V at its random start as a finished artifact of `context.run`: its folder."""
    vae = context.output("vae")
    with seeding.torch_seeded(SEED):
        save_network(vae.path, Vae(VaeSizes(context.config.train_vae.latent)))
    vae.finish({}, {})
    return vae.path


def record(place: Workplace, episodes: int, steps: int) -> Path:
    """Episodes of the fast CarRacing in the folder `base`, for the rows that need frames."""
    config = changed_config("carracing-first", extract={"episodes": episodes, "max_steps": steps})
    context = dataclasses.replace(place.context(config, "base"), workers=1)
    return run_stage(extract, context).path
