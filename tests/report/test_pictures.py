"""Grids of frames: their size, and every frame's pixels in their place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from worldmodels.report import style
from worldmodels.report.pictures import GAP_PX, MARGIN_PX, save_grid


def frames(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 64, 64, 3), np.uint8)


def read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.array(image)


def cell(grid: np.ndarray, rows: int, columns: int, j: int, i: int, scale: int) -> np.ndarray:
    """Row j, column i of a grid, counted from its lower right corner, where no text is."""
    size = 64 * scale
    y = grid.shape[0] - MARGIN_PX - (rows - j) * (size + GAP_PX) + GAP_PX
    x = grid.shape[1] - MARGIN_PX - (columns - i) * (size + GAP_PX) + GAP_PX
    return grid[y : y + size, x : x + size]


@pytest.mark.parametrize("scale", [1, 2, 3])
@pytest.mark.parametrize("captions", [None, ["step 0", "step 10", "step 20"]])
def test_every_frame_is_in_its_place_pixel_for_pixel(
    tmp_path: Path, scale: int, captions: list[str] | None
) -> None:
    rows = [frames(3, 0), frames(3, 1)]
    save_grid(tmp_path / "g.png", rows, ["original", "reconstruction"], scale, captions)
    grid = read(tmp_path / "g.png")
    for j, row in enumerate(rows):
        for i, frame in enumerate(row):
            shown = cell(grid, 2, 3, j, i, scale)
            np.testing.assert_array_equal(shown[::scale, ::scale], frame)
            np.testing.assert_array_equal(shown[scale - 1 :: scale, scale - 1 :: scale], frame)


def test_grid_is_the_frames_the_gaps_and_the_margins_high(tmp_path: Path) -> None:
    save_grid(tmp_path / "g.png", [frames(2, 0)] * 3, ["a", "b", "c"])
    assert read(tmp_path / "g.png").shape[0] == 3 * 128 + 2 * GAP_PX + 2 * MARGIN_PX


def test_each_frame_adds_its_width_and_a_gap(tmp_path: Path) -> None:
    for count in (2, 5):
        save_grid(tmp_path / f"{count}.png", [frames(count, 0)], ["original"])
    widths = [read(tmp_path / f"{count}.png").shape[1] for count in (2, 5)]
    assert widths[1] - widths[0] == 3 * (128 + GAP_PX)


def test_frames_are_separated_by_background(tmp_path: Path) -> None:
    save_grid(tmp_path / "g.png", [np.full((2, 64, 64, 3), 255, np.uint8)], ["original"])
    grid = read(tmp_path / "g.png")
    right = grid.shape[1] - MARGIN_PX - 128
    assert (grid[40, right - GAP_PX : right] == style.BACKGROUND).all()
    assert (grid[40, right - GAP_PX - 1] == 255).all()


def test_a_long_label_widens_the_margin_instead_of_being_cut(tmp_path: Path) -> None:
    short, long = "dream", "dream at temperature 1.15"
    for label in (short, long):
        save_grid(tmp_path / f"{label}.png", [frames(1, 0)], [label])
    extra = style.font(16).getlength(long) - style.font(16).getlength(short)
    widths = [read(tmp_path / f"{label}.png").shape[1] for label in (short, long)]
    assert widths[1] - widths[0] == pytest.approx(extra, abs=1)


def test_labels_and_captions_are_drawn(tmp_path: Path) -> None:
    black = np.zeros((2, 64, 64, 3), np.uint8)
    save_grid(tmp_path / "g.png", [black], ["original"], columns=["step 0", "step 10"])
    grid = read(tmp_path / "g.png")
    bottom = grid.shape[0] - MARGIN_PX - 128
    assert grid[bottom:, : -2 * 130 - MARGIN_PX].max() > 200
    assert grid[:bottom, -128 - MARGIN_PX :].max() > 120


@pytest.mark.parametrize(
    ("lengths", "labels", "columns"),
    [([], [], None), ([2], ["a", "b"], None), ([2, 3], ["a", "b"], None), ([2], ["a"], ["x"])],
)
def test_counts_that_do_not_fit_are_refused_without_a_file(
    tmp_path: Path, lengths: list[int], labels: list[str], columns: list[str] | None
) -> None:
    with pytest.raises(ValueError, match="frames"):
        save_grid(tmp_path / "g.png", [frames(n, 0) for n in lengths], labels, columns=columns)
    assert not list(tmp_path.iterdir())
