"""`wm train-vae`: train V on recorded frames."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from worldmodels import seeding
from worldmodels.data.episodes import EpisodeIndex, load_episode, scan_episodes
from worldmodels.data.frames import FrameStream
from worldmodels.data.weights import save_network
from worldmodels.device import resolve_device, resolve_precision
from worldmodels.errors import UsageError, WorldModelsError
from worldmodels.metrics import counted
from worldmodels.models.vae import Vae, VaeSizes, to_frame, to_image, vae_loss
from worldmodels.report.pictures import save_grid
from worldmodels.rundir import Artifact
from worldmodels.settings import TrainVaeSettings
from worldmodels.stages.agents import check_start, take_up
from worldmodels.stages.context import Context
from worldmodels.stages.training import CHECKPOINT, train

SECTION = "train_vae"
REPLACES = False
RECHECKS = False

VALIDATION_FRAMES = 256
PICTURE_FRAMES = 12


def needs(context: Context) -> tuple[str, ...]:
    """Recorded episodes."""
    return ("episodes",)


def makes(context: Context) -> str:
    """V."""
    return "vae"


def check(context: Context) -> None:
    """The V to begin with is there; else the ranges of the settings say it all."""
    _check_epochs(context)
    check_start(context, SECTION, makes(context), CHECKPOINT)


def _check_epochs(context: Context) -> None:
    settings = context.config.train_vae
    if not settings.epochs and not settings.start:
        raise UsageError("--epochs 0 takes another's V as it is: say whose with --start.")


def plan(context: Context) -> list[str]:
    """How many steps, and how much memory for frames."""
    settings = context.config.train_vae
    _check_epochs(context)
    if not settings.epochs:
        return [f"take V from {settings.start} as it is"]
    episodes = context.input("episodes")
    if not episodes.is_done:
        return [f"train V for {counted(settings.epochs, 'epoch')} once {episodes.path} is there"]
    index, _ = scan_episodes(episodes.path)
    training, _ = index.split(settings.validation_episodes)
    stream = _stream(context, training)
    return [
        f"train V for {stream.num_batches:,} steps of {settings.batch_size} frames "
        f"({counted(settings.epochs, 'epoch')} of {training.frames:,} frames) on "
        f"{resolve_device(context.device)}",
        f"decoded frames take at most {settings.shuffle_gib} GiB of memory",
    ]


def run(context: Context, artifact: Artifact) -> dict[str, Any]:
    """Train V; writes model.safetensors and model.json."""
    folder = context.input("episodes").path
    index, bad = scan_episodes(folder)
    if bad:
        names = ", ".join(path.name for path in bad)
        print(f"train-vae: left out {len(bad)} damaged episodes of {folder}: {names}.")
    trainee = _VaeTrainee(context, artifact, index)
    row = train(trainee, artifact, context.checkpoint_s)
    save_network(artifact.path, trainee.network)
    return {"frames": index.frames, "damaged_episodes": len(bad), **row}


def _stream(context: Context, index: EpisodeIndex) -> FrameStream:
    settings = context.config.train_vae
    return FrameStream(
        index,
        settings.batch_size,
        settings.epochs,
        seeding.derive(context.config.seed, "train-vae", "frames"),
        int(settings.shuffle_gib * 2**30),
    )


class _VaeTrainee:
    """V, as the training loop sees it."""

    name = "train-vae"
    gradient_clip = None

    def __init__(self, context: Context, artifact: Artifact, index: EpisodeIndex) -> None:
        self._settings: TrainVaeSettings = context.config.train_vae
        self._context = context
        self._seed = seeding.derive(context.config.seed, "train-vae")
        self._device = resolve_device(context.device)
        self._precision = resolve_precision(self._settings.precision, self._device)
        self._pictures = artifact.path / "reconstructions"
        training, held_out = index.split(self._settings.validation_episodes)
        self._stream = _stream(context, training)
        self._validation = _some_frames(held_out)
        self.num_steps = self._stream.num_batches
        self.report_every = self._settings.report_every
        with seeding.torch_seeded(seeding.derive(self._seed, "start")):
            self.network = Vae(VaeSizes(self._settings.latent))
        # Channels-last is how frames lie in memory, and how convolutions run fastest.
        self.network.to(self._device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def learning_rate(self, step: int) -> float:
        """A cosine from the first to the last step size."""
        first, last = self._settings.learning_rate, self._settings.final_learning_rate
        progress = step / max(self.num_steps, 1)  # no steps: V is taken as it is
        return last + (first - last) * 0.5 * (1 + math.cos(math.pi * progress))

    def start(self, step: int, extra: dict[str, Any] | None) -> None:
        """Move the stream of frames to `step`, or at first take up another's weights."""
        if extra is None and self._settings.start:
            take_up(self.network, self._settings.start, "vae", self._context)
        falling = self._settings.learning_rate != self._settings.final_learning_rate
        if extra is not None and falling and extra["num_steps"] != self.num_steps:
            raise WorldModelsError(
                "--epochs cannot change while V is trained with a falling step size, which ends "
                "with the last epoch: choose another folder with --run."
            )
        self._batches = self._stream.batches(step)

    def extra_state(self) -> dict[str, Any]:
        """The length that the falling step size was made for."""
        return {"num_steps": self.num_steps}

    def losses(self, step: int) -> dict[str, Tensor]:
        """V's loss on the next batch."""
        generator = seeding.torch_generator(self._device, self._seed, "noise", step)
        return self._losses(next(self._batches), generator)

    def _losses(self, frames: np.ndarray, generator: torch.Generator) -> dict[str, Tensor]:
        image = to_image(torch.as_tensor(frames, device=self._device))
        noise = torch.randn(
            len(frames), self._settings.latent, generator=generator, device=self._device
        )
        with torch.autocast(
            self._device.type, self._precision, enabled=self._precision != torch.float32
        ):
            loss = vae_loss(self.network, image, noise, self._settings.kl_tolerance)
        return {
            "loss": loss.total,
            "reconstruction": loss.reconstruction.mean(),
            "kl": loss.kl.mean(),
        }

    @torch.no_grad()
    def report(self, step: int) -> dict[str, float]:
        """The loss on held-out frames; draws some of them over their reconstructions."""
        generator = seeding.torch_generator(self._device, self._seed, "validation")
        losses = self._losses(self._validation, generator)
        chosen = np.linspace(0, len(self._validation) - 1, PICTURE_FRAMES).astype(int)
        frames = self._validation[chosen]
        image = to_image(torch.as_tensor(frames, device=self._device))
        decoded = to_frame(self.network.decode(self.network.encode(image).mean)).cpu().numpy()
        save_grid(
            self._pictures / f"{step:07d}.png", [frames, decoded], ["recorded", "reconstructed"]
        )
        return {f"validation_{name}": float(value) for name, value in losses.items()}


def _some_frames(index: EpisodeIndex) -> np.ndarray:
    """Frames spread evenly over the held-out episodes, (N, 64, 64, 3)."""
    each = max(VALIDATION_FRAMES // len(index.paths), 1)
    parts = []
    for path, steps in zip(index.paths, index.steps, strict=True):
        chosen = np.linspace(0, steps, min(each, steps + 1)).astype(int)
        parts.append(load_episode(path).frame[chosen])
        if sum(map(len, parts)) >= VALIDATION_FRAMES:
            break
    return np.concatenate(parts)
