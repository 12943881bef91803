"""Grids of frames with a caption for every row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw

from worldmodels.report import style
from worldmodels.rundir import write_atomic

GAP_PX = 2  # between frames
MARGIN_PX = 12  # around the grid, and between labels and frames


def save_grid(
    path: Path,
    rows: Sequence[UInt8[np.ndarray, "N 64 64 3"]],
    labels: Sequence[str],
    scale: int = 2,
    columns: Sequence[str] | None = None,
) -> None:
    """Write a PNG with one row of N frames per entry of `rows`, named at its left by `labels`.

    Every pixel of a frame becomes a square of `scale` pixels, so that what a network has drawn is
    seen as it is. `columns` are captions above the N columns. The grid ends MARGIN_PX from the
    right and the lower edge. Raises ValueError when the counts do not fit together.
    """
    if not rows or len(rows) != len(labels):
        raise ValueError(f"{len(rows)} rows of frames and {len(labels)} labels")
    num_columns = len(rows[0])
    if any(len(row) != num_columns for row in rows):
        raise ValueError(f"rows of {sorted({len(row) for row in rows})} frames: they must be equal")
    if columns is not None and len(columns) != num_columns:
        raise ValueError(f"{num_columns} columns of frames and {len(columns)} captions")

    cell_px = 64 * scale
    face = style.font(_label_px(scale))
    small = style.font(_label_px(scale) - 2)
    left_px = 2 * MARGIN_PX + round(max(face.getlength(label) for label in labels))
    top_px = MARGIN_PX + (_label_px(scale) + GAP_PX if columns is not None else 0)
    width_px = left_px + num_columns * (cell_px + GAP_PX) - GAP_PX + MARGIN_PX
    height_px = top_px + len(rows) * (cell_px + GAP_PX) - GAP_PX + MARGIN_PX
    image = Image.new("RGB", (width_px, height_px), style.BACKGROUND)
    draw = ImageDraw.Draw(image)
    for i, caption in enumerate(columns or ()):
        centre_px = left_px + i * (cell_px + GAP_PX) + cell_px // 2
        text = style.fitted(caption, small, cell_px)
        draw.text((centre_px, top_px - GAP_PX - 2), text, style.QUIET, small, anchor="ms")
    for j, (row, label) in enumerate(zip(rows, labels, strict=True)):
        y_px = top_px + j * (cell_px + GAP_PX)
        middle = (left_px - MARGIN_PX, y_px + cell_px // 2)
        draw.text(middle, label, style.TEXT, face, anchor="rm")
        for i, frame in enumerate(row):
            enlarged = frame.repeat(scale, axis=0).repeat(scale, axis=1)
            image.paste(Image.fromarray(enlarged), (left_px + i * (cell_px + GAP_PX), y_px))
    write_atomic(path, lambda file: image.save(file, format="PNG", optimize=True))


def _label_px(scale: int) -> int:
    """Size of the labels: it grows with the frames, but always stays legible."""
    return min(10 + 3 * scale, 24)
