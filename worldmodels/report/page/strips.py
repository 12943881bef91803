"""Rows of frames with names at their left, as a part of a page or as a file."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from worldmodels.report import style
from worldmodels.report.pictures import save_grid

GAP_PX = 1  # on either side of a frame
CELL_PX = 64 + 2 * GAP_PX


@dataclass(frozen=True)
class Row:
    """Frames and their name."""

    label: str
    frames: UInt8[np.ndarray, "N 64 64 3"]  # may be fewer than there are columns
    note: str = ""  # in small print under the name


@dataclass(frozen=True)
class Strips:
    """Rows of frames, one above the other."""

    name: str  # of its file
    rows: Sequence[Row]
    columns: Sequence[str]  # captions

    def html(self) -> str:
        """A box that scrolls where the window is narrow."""
        heads = "".join(f"<span>{escape(caption)}</span>" for caption in self.columns)
        parts = [f'<span></span><div class="heads">{heads}</div>' if any(self.columns) else ""]
        for row in self.rows:
            note = f"<small>{escape(row.note)}</small>" if row.note else ""
            source = "data:image/webp;base64," + base64.b64encode(self._picture(row)).decode()
            parts.append(f"<b>{escape(row.label)}{note}</b>")
            parts.append(f'<img alt="{escape(row.label)}" src="{source}">')
        return f'<div class="wide"><div class="strips">{"".join(parts)}</div></div>'

    def save(self, folder: Path) -> list[Path]:
        """Write NAME.png, on dark ground; returns its path."""
        path = folder / f"{self.name}.png"
        frames = [self._filled(row.frames) for row in self.rows]
        labels = [row.label.replace("τ", "tau") for row in self.rows]  # Pillow's font lacks it
        save_grid(path, frames, labels, columns=self.columns if any(self.columns) else None)
        return [path]

    def _filled(self, frames: np.ndarray) -> np.ndarray:
        """As many frames as there are columns."""
        result = np.empty((len(self.columns), 64, 64, 3), np.uint8)
        result[:] = style.BACKGROUND
        result[: len(frames)] = frames
        return result

    def _picture(self, row: Row) -> bytes:
        """The frames of a row side by side, transparent between and behind them."""
        size = (CELL_PX * len(self.columns), CELL_PX)
        image = Image.new("RGBA", size)
        for number, frame in enumerate(row.frames):
            image.paste(Image.fromarray(frame), (CELL_PX * number + GAP_PX, GAP_PX))
        buffer = io.BytesIO()
        image.save(buffer, "WEBP", lossless=True)
        return buffer.getvalue()
