"""An agent as the page has it: graphs, frames, and the facts that the page reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image

from worldmodels.data.weights import SavedController
from worldmodels.experiment import Experiment
from worldmodels.models.rnn import Rnn
from worldmodels.models.vae import Vae, to_image
from worldmodels.web.graphs import (
    Graph,
    controller_graph,
    decoder_graph,
    memory_graph,
    start_graph,
)
from worldmodels.web.onnx_files import save_graphs
from worldmodels.worlds.dream import FirstLatents

DIGITS = 4  # of the latents in the page's facts


@dataclass(frozen=True)
class Dreamer:
    """V, M and C of one run, and what the page shows beside their dream."""

    name: str  # of its folder: letters, digits and hyphens
    experiment: Experiment
    vae: Vae
    rnn: Rnn
    controller: SavedController | None  # None: only people steer
    first: FirstLatents
    frames: UInt8[np.ndarray, "N 64 64 3"]  # real ones
    temperature: float  # that the page starts with
    max_steps: int  # of the game, after which a dream that can end is survived


def graphs(dreamer: Dreamer) -> Mapping[str, Graph]:
    """What the browser computes with, by the name of the file."""
    found = {
        "start": start_graph(dreamer.first),
        "m": memory_graph(dreamer.rnn),
        "v": decoder_graph(dreamer.vae),
    }
    controller = dreamer.controller
    if controller is not None:
        found["c"] = controller_graph(
            controller.sizes, controller.parameters, dreamer.experiment.squash
        )
    return found


def save_dreamer(folder: Path, dreamer: Dreamer) -> dict[str, Any]:
    """Write the graphs and frames into a new `folder`; returns the facts that the page reads."""
    folder.mkdir(parents=True)
    save_graphs(folder, graphs(dreamer))
    for i, frame in enumerate(dreamer.frames):
        Image.fromarray(frame).save(folder / f"frame-{i:02d}.png")
    latents = _encoded(dreamer)
    sizes, experiment, controller = dreamer.rnn.sizes, dreamer.experiment, dreamer.controller
    space = experiment.action_space()
    assert isinstance(space, gymnasium.spaces.Box)
    return {
        "name": dreamer.name,
        "title": experiment.title,
        "latent": sizes.latent,
        "hidden": sizes.hidden,
        "mixtures": sizes.mixtures,
        "ends": sizes.done_head,
        "max_steps": dreamer.max_steps,
        "frames_per_s": experiment.frames_per_s,
        "temperature": dreamer.temperature,
        "action_low": space.low.tolist(),
        "action_high": space.high.tolist(),
        "steering": _steering(experiment),
        "has_controller": controller is not None,
        "sees_memory": controller is not None and controller.sizes.inputs != "z",
        "parameters": {
            "v": _count(dreamer.vae),
            "m": _count(dreamer.rnn),
            "c": 0 if controller is None else controller.sizes.parameters,
        },
        "frames": [
            {"file": f"frame-{i:02d}.png", "z": [round(value, DIGITS) for value in z.tolist()]}
            for i, z in enumerate(latents)
        ],
    }


@torch.inference_mode()
def _encoded(dreamer: Dreamer) -> Float[np.ndarray, "N Z"]:
    """What V makes of the real frames."""
    mean: np.ndarray = dreamer.vae.encode(to_image(torch.as_tensor(dreamer.frames))).mean.numpy()
    return mean


def _count(network: Vae | Rnn) -> int:
    """Numbers that training sets: of M's LSTM one bias vector, not PyTorch's two."""
    count = sum(value.numel() for value in network.parameters())
    return count - 4 * network.sizes.hidden if isinstance(network, Rnn) else count


def _steering(experiment: Experiment) -> dict[str, list[float]]:
    """What each key that is held adds to an action of zeros."""
    keys: dict[str, list[float]] = {}
    for i, lever in enumerate(experiment.levers):
        for key, push in ((lever.plus, lever.reach), (lever.minus, -lever.reach)):
            if key:
                keys[key] = [push if j == i else 0.0 for j in range(len(experiment.levers))]
    return keys
