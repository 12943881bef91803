"""Dream strips: a row a temperature, up to where M says that the episode ends."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
import torch

from worldmodels.data.series import Series
from worldmodels.data.weights import SavedController
from worldmodels.models.controller import ControllerSizes
from worldmodels.models.rnn import Rnn, RnnSizes
from worldmodels.models.vae import Vae, VaeSizes, to_frame
from worldmodels.report.page.dreaming import (
    EVERY,
    NUM_FRAMES,
    TEMPERATURES,
    played_dreams,
    recorded_dreams,
)
from worldmodels.report.page.strips import Strips
from worldmodels.worlds.dream import FirstLatents

SPACE = gymnasium.spaces.Box(-1, 1, (1,), np.float32)


@pytest.fixture(scope="module")
def vae() -> Vae:
    torch.manual_seed(0)
    return Vae(VaeSizes(4)).eval().requires_grad_(False)


def rnn(done_head: bool) -> Rnn:
    torch.manual_seed(1)
    return Rnn(RnnSizes(4, 1, 8, 2, done_head)).eval().requires_grad_(False)


def recording(steps: int) -> Series:
    random = np.random.default_rng(0)
    mean = random.normal(size=(steps + 1, 4)).astype(np.float16)
    action = random.uniform(-1, 1, (steps, 1)).astype(np.float32)
    return Series(mean, np.zeros_like(mean), action, np.zeros(steps, np.float32), False)


def played(vae: Vae, model: Rnn) -> Strips:
    sizes = ControllerSizes(4, 8, 1, "z+c+h", 0, False)
    parameters = np.zeros(sizes.parameters, np.float32)
    controller = SavedController(parameters, sizes, False, True, 0, 0.0, 1)
    first = FirstLatents(np.zeros((1, 4), np.float32), np.zeros((1, 4), np.float32))
    return played_dreams(vae, model, first, controller, torch.tanh, SPACE)


def test_there_is_a_row_for_each_temperature(vae: Vae) -> None:
    strips = played(vae, rnn(done_head=True))
    assert [row.label for row in strips.rows] == [f"τ = {t:g}" for t in TEMPERATURES]


def test_dreams_differ_in_temperature_but_not_in_their_start(vae: Vae) -> None:
    model = rnn(done_head=True)
    model.head.bias[-1] = -100  # never the end
    strips = played(vae, model)
    first, *others = (row.frames for row in strips.rows)
    assert len(first) == NUM_FRAMES
    for other in others:
        np.testing.assert_array_equal(first[0], other[0])
        assert (first[1:] != other[1:]).any()


def test_a_row_ends_where_m_says_that_the_episode_ends(vae: Vae) -> None:
    model = rnn(done_head=True)
    model.head.bias[-1] = 100
    for row in played(vae, model).rows:
        assert len(row.frames) == 1
        assert row.note == "ends at 1"


def test_recorded_frames_are_above_the_dreams_of_their_actions(vae: Vae) -> None:
    series = recording(200)
    strips = recorded_dreams(vae, rnn(done_head=False), series, SPACE)
    recorded, *dreams = strips.rows
    at = np.arange(60, 60 + EVERY * NUM_FRAMES, EVERY)
    z = torch.as_tensor(series.mean[at].astype(np.float32))
    np.testing.assert_array_equal(recorded.frames, to_frame(vae.decode(z)).numpy())
    for row in dreams:
        np.testing.assert_array_equal(row.frames[0], recorded.frames[0])
        assert (row.frames[1:] != recorded.frames[1:]).any()


def test_an_m_that_knows_ends_dreams_from_the_start_of_the_recording(vae: Vae) -> None:
    series = recording(200)
    strips = recorded_dreams(vae, rnn(done_head=True), series, SPACE)
    z = torch.as_tensor(series.mean[:1].astype(np.float32))
    np.testing.assert_array_equal(strips.rows[0].frames[:1], to_frame(vae.decode(z)).numpy())


@pytest.mark.parametrize("steps", [1, 5, 30])
def test_a_short_recording_gives_short_rows(vae: Vae, steps: int) -> None:
    strips = recorded_dreams(vae, rnn(done_head=False), recording(steps), SPACE)
    assert len(strips.columns) == max(len(row.frames) for row in strips.rows) <= 1 + steps // EVERY
