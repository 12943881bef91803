"""The tiny game with networks of random weights: enough for a person and an agent to take turns."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

from worldmodels.data.weights import SavedController
from worldmodels.experiment import Experiment, WorldRequest
from worldmodels.models.controller import ControllerSizes
from worldmodels.models.rnn import Rnn, RnnSizes
from worldmodels.models.vae import Vae, VaeSizes
from worldmodels.play.mind import Mind
from worldmodels.play.scenes import DreamScene, GameScene
from worldmodels.play.session import Session
from worldmodels.worlds.dream import DreamWorld, FirstLatents

sys.path.insert(0, str(Path(__file__).parents[1] / "pipeline"))  # where the tiny game is found
import tiny_game

Z, H = 4, 16
EXPERIMENT = tiny_game.EXPERIMENT


def make_mind(has_controller: bool = True, done_head: bool = True) -> Mind:
    torch.manual_seed(0)
    vae, rnn = Vae(VaeSizes(Z)).eval(), Rnn(RnnSizes(Z, 1, H, 3, done_head)).eval()
    if done_head:
        rnn.head.bias.data[-1] = -100.0  # no dream ends before its time
    sizes = ControllerSizes(Z, H, 1, "z+h", 0, bias=True)
    parameters = np.random.default_rng(0).normal(size=sizes.parameters).astype(np.float32)
    controller = SavedController(parameters, sizes, True, True, 0, 1.0, 1)
    return Mind(vae, rnn, controller if has_controller else None, EXPERIMENT.squash)


def make_dream(mind: Mind) -> DreamScene:
    first = FirstLatents(np.zeros((3, Z), np.float32), np.zeros((3, Z), np.float32))
    world = DreamWorld(
        mind.rnn,
        first,
        EXPERIMENT.action_space(),
        1,
        temperature=1.0,
        max_episode_steps=50,
        vae=mind.vae,
        autoreset_mode="Disabled",
    )
    return DreamScene(world, mind)


def make_session(
    folder: Path,
    mind: Mind | None = None,
    in_dream: bool = False,
    max_steps: int = 30,
    experiment: Experiment = EXPERIMENT,
) -> Session:
    """A session that begins in the game, or in a dream; films go into `folder`."""
    settings = tiny_game.TinySettings(max_steps)
    world = experiment.make_world(WorldRequest("official", 1, settings, render=True))
    game = None if in_dream else GameScene("official", world, mind)
    dream = make_dream(mind) if mind is not None else None
    return Session(experiment, mind, game, dream, 1, 1.0, folder)
