"""What V keeps: held-out frames over reconstructions, and sweeps of its busiest dimensions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from worldmodels.data.episodes import Episode, episode_path, save_episode
from worldmodels.data.series import Series
from worldmodels.models.vae import Vae, VaeSizes, to_frame
from worldmodels.report.page.latents import NUM_FRAMES, SWEEP, reconstructions, traversal


@pytest.fixture(scope="module")
def vae() -> Vae:
    torch.manual_seed(0)
    return Vae(VaeSizes(3)).eval().requires_grad_(False)


def record(folder: Path, count: int, steps: int) -> None:
    """Episodes of which number i is of grey level i."""
    for number in range(count):
        frame = np.full((steps + 1, 64, 64, 3), number, np.uint8)
        zeros = np.zeros(steps, np.float32)
        episode = Episode(frame, zeros[:, None], zeros, False, True, number)
        save_episode(episode_path(folder, number), episode)


@pytest.mark.parametrize(("held_out", "shown"), [(1, {5}), (2, {4, 5}), (9, {2, 3, 4, 5})])
def test_only_held_out_frames_are_reconstructed(
    vae: Vae, tmp_path: Path, held_out: int, shown: set[int]
) -> None:
    record(tmp_path, 6, 20)
    strips = reconstructions(vae, tmp_path, held_out)
    assert strips is not None
    recorded, decoded = strips.rows
    assert set(np.unique(recorded.frames).tolist()) == shown
    assert len(recorded.frames) == len(decoded.frames) == len(strips.columns) == NUM_FRAMES


def test_there_is_nothing_to_reconstruct_without_episodes(vae: Vae, tmp_path: Path) -> None:
    assert reconstructions(vae, tmp_path, 1) is None


@pytest.fixture
def series() -> list[Series]:
    """Posteriors that tell most in dimension 2, something in 0, and nothing in 1."""
    mean = np.tile(np.array([1.0, 0.0, 3.0], np.float16), (30, 1))
    zeros = np.zeros(29, np.float32)
    return [Series(mean, np.zeros_like(mean), zeros[:, None], zeros, False)]


def test_the_busiest_dimensions_come_first(vae: Vae, series: list[Series]) -> None:
    rows = traversal(vae, series).rows
    assert [row.label for row in rows] == ["z2", "z0", "z1"]
    assert [row.note for row in rows] == ["4.50 nats", "0.50 nats", "0.00 nats"]


def test_one_dimension_is_swept_and_the_others_stay_at_their_average(
    vae: Vae, series: list[Series]
) -> None:
    row = traversal(vae, series).rows[0]
    z = torch.tensor([[1.0, 0.0, value] for value in SWEEP.tolist()])
    np.testing.assert_array_equal(row.frames, to_frame(vae.decode(z)).numpy())
