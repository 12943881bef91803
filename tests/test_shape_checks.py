"""The import hook of conftest.py: a wrong shape is an error in every hooked package."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError

from worldmodels.data.explorers import Held
from worldmodels.data.series import Series
from worldmodels.evolution.dreaming import DreamPolicy
from worldmodels.evolution.rollout import Limits, play
from worldmodels.models.mdn import Mixture
from worldmodels.models.vae import to_frame
from worldmodels.play.steering import Steering
from worldmodels.worlds.world import Step


def mixture_with_unequal_components() -> None:
    Mixture(torch.zeros(2, 3, 5), torch.zeros(2, 3, 5), torch.zeros(2, 3, 4))


def image_with_channels_last() -> None:
    to_frame(torch.zeros(1, 64, 64, 3))


def series_without_its_last_frame() -> None:
    latents = np.zeros((4, 2), np.float16)
    Series(latents, latents, np.zeros((4, 1), np.float32), np.zeros(4, np.float32), True)


def explorer_of_a_small_frame() -> None:
    Held(np.random.default_rng(0), [-1], [1], 10)(np.zeros((32, 32, 3), np.uint8))


def step_of_unequal_lengths() -> None:
    Step(np.zeros(2), np.zeros(3, np.bool_), np.zeros(2, np.bool_))


def rollout_without_a_world() -> None:
    play(None, None, [], Limits())  # type: ignore[arg-type]


def dreaming_policy_without_a_world() -> None:
    DreamPolicy(None, None, torch.tanh, np.zeros((1, 1)))  # type: ignore[arg-type]


def levers_moved_for_a_word() -> None:
    Steering([]).move(set(), "long")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "mistake",
    [
        mixture_with_unequal_components,
        image_with_channels_last,
        series_without_its_last_frame,
        explorer_of_a_small_frame,
        step_of_unequal_lengths,
        rollout_without_a_world,
        dreaming_policy_without_a_world,
        levers_moved_for_a_word,
    ],
)
def test_a_wrong_shape_or_type_raises(mistake: Callable[[], None]) -> None:
    with pytest.raises(TypeCheckError):
        mistake()
