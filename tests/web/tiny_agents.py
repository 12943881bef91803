"""Run folders with small random networks, and the page made of them."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import torch

from worldmodels.config import dump_config, find_config, load_config
from worldmodels.data.episodes import Episode, episode_path, save_episode
from worldmodels.data.weights import (
    SavedController,
    random_rnn,
    save_controller,
    save_first_latents,
    save_network,
)
from worldmodels.models.controller import ControllerSizes
from worldmodels.models.rnn import Rnn, RnnSizes
from worldmodels.models.vae import Vae, VaeSizes
from worldmodels.rundir import write_text
from worldmodels.seeding import torch_seeded
from worldmodels.stages.web import web
from worldmodels.web.runtime import SCRIPT, WASM
from worldmodels.worlds.dream import FirstLatents

LATENT, HIDDEN = 6, 8
ACTIONS = {"doom": 1, "carracing": 3}
INPUTS = {"doom": "z+c+h", "carracing": "z+h"}


def small_vae(latent: int = LATENT) -> Vae:
    """V with random weights that half precision holds exactly, and pictures of some contrast."""
    with torch_seeded(1):
        vae = Vae(VaeSizes(latent))
    with torch.no_grad():
        for value in vae.expand.parameters():
            value.mul_(8)
        for value in vae.decoder.parameters():
            value.mul_(2)
    return rounded(vae)


def small_rnn(action: int, done_head: bool) -> Rnn:
    """M with random weights that half precision holds exactly, and dreams that go on."""
    rnn = random_rnn(RnnSizes(LATENT, action, HIDDEN, 3, done_head), 2, "cpu")
    if done_head:
        rnn.head.bias[-1] = -3
    return rounded(rnn)


def deadly_to_the_left() -> Rnn:
    """An M of Doom that predicts the end after a step to the left, and at no other time."""
    rnn = small_rnn(1, done_head=True)
    with torch.no_grad():
        enter, forget, new, leave = (gate * HIDDEN for gate in range(4))
        for weight in (rnn.lstm.weight_ih_l0, rnn.lstm.weight_hh_l0):
            for gate in (enter, forget, new, leave):
                weight[gate] = 0  # of the first cell
        rnn.lstm.bias_ih_l0[[enter, forget, new, leave]] = torch.tensor([8.0, -8.0, 0.0, 8.0])
        rnn.lstm.weight_ih_l0[new, LATENT] = -5
        rnn.head.weight[-1] = 0
        rnn.head.weight[-1, 0] = 10
    return rnn


def rounded(network: Vae | Rnn) -> Vae | Rnn:
    """The network with weights that half precision holds exactly."""
    network.load_state_dict({k: v.half().float() for k, v in network.state_dict().items()})
    return network.eval().requires_grad_(False)


def small_controller(game: str, inputs: str | None = None, hidden: int = 0) -> SavedController:
    """C with random parameters, and a leaning to the right."""
    layout = inputs or INPUTS[game]
    sizes = ControllerSizes(LATENT, HIDDEN, ACTIONS[game], layout, hidden, bias=True)
    drawn = np.random.default_rng(3).normal(0, 0.1, sizes.parameters)
    drawn[-sizes.action :] = 2
    parameters = drawn.astype(np.float16).astype(np.float32)
    return SavedController(parameters, sizes, True, True, 0, 12.5, 4)


def first_latents() -> FirstLatents:
    """Posteriors of five first frames, as float16 keeps them."""
    random = np.random.default_rng(4)
    mean = random.normal(size=(5, LATENT)).astype(np.float16)
    logvar = random.normal(-2, 0.5, size=(5, LATENT)).astype(np.float16)
    return FirstLatents(mean.astype(np.float32), logvar.astype(np.float32))


def make_run(folder: Path, game: str, episodes: int = 2) -> Path:
    """A run folder with V, M, C and a few recorded frames."""
    rnn = deadly_to_the_left() if game == "doom" else small_rnn(3, done_head=False)
    write_text(folder / "config.toml", dump_config(load_config(find_config(f"{game}-smoke"))))
    save_network(folder / "vae", small_vae())
    save_network(folder / "rnn", rnn)
    save_first_latents(folder / "rnn", first_latents())
    save_controller(folder / "ctrl", small_controller(game))
    random = np.random.default_rng(5)
    for number in range(episodes):
        frame = random.integers(0, 256, (20, 64, 64, 3), np.uint8)
        action = np.zeros((19, ACTIONS[game]), np.float32)
        reward = np.ones(19, np.float32)
        episode = Episode(frame, action, reward, True, False, number)
        save_episode(episode_path(folder / "episodes", number), episode)
    return folder


def fake_runtime(folder: Path) -> Path:
    """A folder that looks as if it held the runtime."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (SCRIPT, WASM):
        (folder / name).write_text(f"stands for {name}")
    return folder


@functools.cache
def page_of_two(base: Path) -> Path:
    """The page of a run of each game, without the runtime; made once. Read only."""
    runs = [make_run(base / "web" / game, game) for game in ACTIONS]
    out = base / "web" / "page"
    runtime = fake_runtime(base / "web" / "runtime")
    web([*map(str, runs), "--out", str(out), "--runtime", str(runtime)])
    return out
