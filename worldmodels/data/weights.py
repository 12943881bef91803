"""Networks and controllers as files that load without running code."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from worldmodels.data.archive import save_npz
from worldmodels.data.episodes import DAMAGED
from worldmodels.errors import WorldModelsError
from worldmodels.models.controller import ControllerSizes
from worldmodels.models.rnn import Rnn, RnnSizes
from worldmodels.models.vae import Vae, VaeSizes
from worldmodels.rundir import SETTINGS, digest, read_json, write_atomic, write_json
from worldmodels.seeding import torch_seeded
from worldmodels.worlds.dream import FirstLatents

WEIGHTS = "model.safetensors"
SIZES = "model.json"
FIRST_LATENTS = "first_latents.npz"
CONTROLLER = "best.npz"

Network = TypeVar("Network", Vae, Rnn)


def save_network(folder: Path, network: Vae | Rnn) -> None:
    """Write weights and sizes into `folder`."""
    weights = {
        name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()
    }
    write_atomic(folder / WEIGHTS, lambda file: file.write(save(weights)))
    write_json(folder / SIZES, dataclasses.asdict(network.sizes))


def load_vae(folder: Path, device: torch.device | str) -> Vae:
    """V as saved in `folder`, ready to be used. Raises WorldModelsError if it does not fit."""
    return _load(folder, device, Vae, VaeSizes)


def load_rnn(folder: Path, device: torch.device | str) -> Rnn:
    """M as saved in `folder`, ready to be used. Raises WorldModelsError if it does not fit."""
    return _load(folder, device, Rnn, RnnSizes)


def _load(folder: Path, device: Any, kind: type[Network], sizes: type) -> Network:
    try:
        network = kind(sizes(**json.loads((folder / SIZES).read_text())))
        weights = load_file(folder / WEIGHTS)
        network.load_state_dict({name: value.float() for name, value in weights.items()})
    except (OSError, ValueError, TypeError, RuntimeError, SafetensorError) as error:
        said = str(error).splitlines()[-1].strip()
        raise WorldModelsError(
            f"{folder} does not hold the {kind.__name__} that its {SIZES} and {WEIGHTS} should "
            f"describe ({said}): restore both files, or remove the folder and train again."
        ) from error
    if isinstance(network, Vae):  # frames lie channels-last in memory
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network.to(device).eval().requires_grad_(False)


def random_rnn(sizes: RnnSizes, seed: int, device: torch.device | str) -> Rnn:
    """M at its random start, drawn from `seed`."""
    with torch_seeded(seed):
        return Rnn(sizes).to(device).eval().requires_grad_(False)


def save_first_latents(folder: Path, first: FirstLatents) -> None:
    """Write the posteriors that dreams start from into M's folder."""
    arrays = {"mean": first.mean.astype(np.float16), "logvar": first.logvar.astype(np.float16)}
    # A game whose episodes all begin with the same frame has the same posterior a thousand times.
    save_npz(folder / FIRST_LATENTS, arrays, compress=True)


def load_first_latents(folder: Path) -> FirstLatents:
    """The posteriors that dreams start from. Raises WorldModelsError if they are not there."""
    try:
        with np.load(folder / FIRST_LATENTS, allow_pickle=False) as archive:
            return FirstLatents(
                archive["mean"].astype(np.float32), archive["logvar"].astype(np.float32)
            )
    except DAMAGED as error:
        raise WorldModelsError(
            f"{folder / FIRST_LATENTS} cannot be read ({error}): remove {folder} and run "
            f"`wm train-rnn` again."
        ) from error


@dataclass(frozen=True)
class SavedController:
    """C as a search left it."""

    parameters: Float[np.ndarray, " D"]
    sizes: ControllerSizes
    sample_latent: bool
    trained_rnn: bool  # whether M was trained, or left at the random start of `rnn_seed`
    rnn_seed: int
    score: float  # mean return in the world it was trained in
    generation: int


def save_controller(folder: Path, controller: SavedController) -> None:
    """Write C into `folder`."""
    facts = {
        field.name: np.array(getattr(controller, field.name))
        for field in dataclasses.fields(controller)
        if field.name != "sizes"
    }
    sizes = json.dumps(dataclasses.asdict(controller.sizes))
    save_npz(folder / CONTROLLER, {**facts, "sizes": np.array(sizes)}, compress=False)


def load_controller(folder: Path) -> SavedController:
    """C as saved in `folder`. Raises WorldModelsError if it is damaged or of another size."""
    path = folder / CONTROLLER
    try:
        with np.load(path, allow_pickle=False) as archive:
            controller = SavedController(
                parameters=archive["parameters"].astype(np.float32),
                sizes=ControllerSizes(**json.loads(str(archive["sizes"]))),
                sample_latent=bool(archive["sample_latent"]),
                trained_rnn=bool(archive["trained_rnn"]),
                rnn_seed=int(archive["rnn_seed"]),
                score=float(archive["score"]),
                generation=int(archive["generation"]),
            )
    except (TypeError, *DAMAGED) as error:
        raise WorldModelsError(
            f"{path} is not a controller ({error}): restore it, or remove {folder} and run "
            f"`wm train-ctrl` again."
        ) from error
    if controller.parameters.shape != (controller.sizes.parameters,):
        raise WorldModelsError(
            f"{path} holds {controller.parameters.size} parameters where its sizes ask for "
            f"{controller.sizes.parameters}: restore it, or remove {folder} and run "
            f"`wm train-ctrl` again."
        )
    return controller


def check_partners(ctrl: Path, partners: Mapping[str, Path]) -> None:
    """Raise WorldModelsError unless C was evolved with this V and M, folders by artifact name.

    An agent that was sent without its history is taken at its word.
    """
    if not (ctrl / SETTINGS).is_file():
        return
    evolved = read_json(ctrl / SETTINGS)
    for name, folder in partners.items():
        expected = evolved.get(f"input:{name}")
        if expected is not None and expected != digest(folder / WEIGHTS):
            raise WorldModelsError(
                f"{ctrl} was evolved with another {name} than {folder} holds now: restore that "
                f"one, name the run that has it with --inputs-from, or search C anew with "
                f"`wm train-ctrl` in another run folder."
            )
