"""Matplotlib in the look of everything drawn, and its figures as pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from worldmodels.report import style
from worldmodels.rundir import write_atomic


def hexadecimal(colour: tuple[int, int, int]) -> str:
    """A colour as Matplotlib reads it."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


BACKGROUND, BAR = hexadecimal(style.BACKGROUND), hexadecimal(style.BAR)
TEXT, QUIET = hexadecimal(style.TEXT), hexadecimal(style.QUIET)
ORANGE, BLUE, GREEN, PINK = "#ff9f43", "#4dabf7", "#51cf66", "#f783ac"
PNG_COLOURS = 256

# To be in force (matplotlib.rc_context) both while a figure is built and while it is drawn.
STYLE: dict[Any, Any] = {
    "figure.facecolor": BACKGROUND,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.1,
    "figure.constrained_layout.h_pad": 0.08,
    "font.size": 10,
    "text.color": TEXT,
    "axes.facecolor": BACKGROUND,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": QUIET,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10.5,
    "axes.titlepad": 7,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "legend.handlelength": 1.4,
    "legend.borderaxespad": 0.2,
}


def pixels(figure: Figure, dots_per_in: int) -> UInt8[np.ndarray, "H W 3"]:
    """What a figure looks like."""
    figure.set_dpi(dots_per_in)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def save_png(path: Path, picture: UInt8[np.ndarray, "H W 3"]) -> None:
    """Write a drawing as a PNG of few colours, which is all that it needs."""
    image = Image.fromarray(picture).quantize(PNG_COLOURS, dither=Image.Dither.NONE)
    write_atomic(path, lambda file: image.save(file, format="PNG", optimize=True))
