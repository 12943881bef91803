"""Moving pictures: panels side by side, as MP4 or GIF."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw

from worldmodels.errors import WorldModelsError
from worldmodels.report import style
from worldmodels.rundir import write_atomic

GAP_PX = 8  # around and between panels
PIXELATED_BELOW = 1 / 1.5  # of the panel's height: smaller sources keep their visible pixels
QUALITY = "18"  # x264's constant rate factor: no visible loss
BT709 = 1  # the colour standard's number in H.273, the same for matrix, primaries and transfer
VIDEO_RANGE = 1  # FFmpeg's AVCOL_RANGE_MPEG
GIF_FRAMES_PER_S = 20  # browsers slow GIFs down that ask for much more
GIF_COLOURS = 255  # one of the 256 is left for "unchanged", which makes files small
PALETTE_PICTURES = 8  # pictures that the palette is chosen from


@dataclass(frozen=True)
class Panel:
    """One of the pictures that are shown side by side."""

    caption: str
    picture: UInt8[np.ndarray, "H W 3"]


def compose(panels: Sequence[Panel], height: int, status: str = "") -> UInt8[np.ndarray, "H W 3"]:
    """The panels side by side, each `height` pixels high under its caption; `status` below.

    Aspect ratios are kept. The result has an even height and width, as H.264 asks for; both
    depend on the panels' sizes alone, whatever the texts are. Raises ValueError without panels.
    """
    if not panels:
        raise ValueError("there are no panels to compose")
    bar_px = max(20, round(0.085 * height))
    face = style.font(round(0.6 * bar_px))
    images = [scaled(panel.picture, height, Image.Resampling.LANCZOS) for panel in panels]
    width_px = GAP_PX + sum(image.width + GAP_PX for image in images)
    height_px = GAP_PX + bar_px + height + bar_px + GAP_PX // 2
    canvas = Image.new(
        "RGB", (width_px + width_px % 2, height_px + height_px % 2), style.BACKGROUND
    )
    draw = ImageDraw.Draw(canvas)
    x_px = GAP_PX
    for panel, image in zip(panels, images, strict=True):
        edge = (x_px, GAP_PX, x_px + image.width - 1, GAP_PX + bar_px - 1)
        draw.rectangle(edge, style.BAR)
        text = style.fitted(panel.caption, face, image.width - 2 * GAP_PX)
        draw.text((x_px + GAP_PX, GAP_PX + bar_px / 2), text, style.TEXT, face, anchor="lm")
        canvas.paste(image, (x_px, GAP_PX + bar_px))
        x_px += image.width + GAP_PX
    text = style.fitted(status, face, width_px - 4 * GAP_PX)
    middle_px = GAP_PX + bar_px + height + (bar_px + GAP_PX // 2) / 2
    draw.text((2 * GAP_PX, middle_px), text, style.QUIET, face, anchor="lm")
    return np.array(canvas)


def scaled(
    picture: UInt8[np.ndarray, "H W 3"], height: int, filtering: Image.Resampling
) -> Image.Image:
    """`picture`, `height` pixels high: filtered, or, if it is small, with its visible pixels."""
    image = Image.fromarray(picture)
    pixelated = image.height < PIXELATED_BELOW * height
    resampling = Image.Resampling.NEAREST if pixelated else filtering
    return image.resize((max(1, round(image.width * height / image.height)), height), resampling)


class VideoWriter:
    """An MP4 file that appears whole when the `with` block ends, and not at all if it fails.

    H.264 where PyAV has x264, as its wheels do, and MPEG-4 part 2 elsewhere.
    """

    def __init__(self, path: Path, frames_per_s: int | float) -> None:
        """Write to `path`. Raises WorldModelsError when PyAV is not installed."""
        try:
            import av
        except ImportError:
            raise WorldModelsError(
                "video needs PyAV, which is not installed: run `pip install av`."
            ) from None
        self._av: Any = av
        self._path = path
        self._temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        self._rate = Fraction(frames_per_s).limit_denominator(1000)
        self._container: Any = None
        self._stream: Any = None

    def __enter__(self) -> VideoWriter:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._container = self._av.open(
            str(self._temporary),
            "w",
            format="mp4",
            options={"movflags": "+faststart"},  # browsers start before they have all of it
        )
        return self

    def write(self, picture: UInt8[np.ndarray, "H W 3"]) -> None:
        """Append a picture; all have the first one's size. Raises ValueError for an odd size."""
        height, width, _ = picture.shape
        if self._stream is None:
            if height % 2 or width % 2:
                raise ValueError(f"a video cannot be {width} x {height}: both must be even")
            self._stream = self._open_stream(width, height)
        elif (width, height) != (self._stream.width, self._stream.height):
            raise ValueError(
                f"a picture of {width} x {height} in a video of "
                f"{self._stream.width} x {self._stream.height}"
            )
        frame = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        converted = frame.reformat(format="yuv420p", dst_colorspace="ITU709")
        self._container.mux(self._stream.encode(converted))

    def _open_stream(self, width: int, height: int) -> Any:
        has_x264 = "libx264" in self._av.codec.codecs_available
        stream = (
            self._container.add_stream("libx264", rate=self._rate, options={"crf": QUALITY})
            if has_x264
            else self._container.add_stream("mpeg4", rate=self._rate, bit_rate=8_000_000)
        )
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        # Untagged, players guess the colour standard from the size of the picture.
        context = stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = BT709
        context.color_range = VIDEO_RANGE
        return stream

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._container.close()
            self._temporary.unlink(missing_ok=True)

    def _finish(self) -> None:
        if self._stream is None:
            raise ValueError(f"no picture was written to {self._path}")
        self._container.mux(self._stream.encode(None))
        self._container.close()
        with self._temporary.open("rb") as file:
            os.fsync(file.fileno())
        self._temporary.replace(self._path)


def save_gif(
    path: Path,
    pictures: Iterable[UInt8[np.ndarray, "H W 3"]],
    frames_per_s: int | float,
    max_width: int = 640,
) -> None:
    """Write `pictures`, all of one size, as a GIF that loops, at most `max_width` pixels wide.

    Pictures beyond 20 a second are left out; the GIF lasts as long as `pictures` all the same,
    to a hundredth of a second. Raises ValueError without pictures.
    """
    stride = math.ceil(frames_per_s / GIF_FRAMES_PER_S)
    kept, count = [], 0
    for picture in pictures:
        if count % stride == 0:
            kept.append(_narrowed(Image.fromarray(picture), max_width))
        count += 1
    if not kept:
        raise ValueError(f"there are no pictures for {path}")
    # GIF counts hundredths of a second: rounding the times, not the durations, adds up no error.
    starts = [round(100 * i / frames_per_s) for i in [*range(0, count, stride), count]]
    durations_ms = [10 * (end - start) for start, end in itertools.pairwise(starts)]
    palette = _shared_palette(kept)
    # Dithering would flicker from picture to picture, and doubles the size of the file.
    frames = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in kept]
    write_atomic(
        path,
        lambda file: frames[0].save(
            file,
            format="GIF",
            save_all=True,
            append_images=frames[1:],
            duration=durations_ms,
            loop=0,
        ),
    )


def _narrowed(image: Image.Image, max_width: int) -> Image.Image:
    if image.width <= max_width:
        return image
    height = max(1, round(image.height * max_width / image.width))
    return image.resize((max_width, height), Image.Resampling.LANCZOS)


def _shared_palette(images: Sequence[Image.Image]) -> Image.Image:
    """A palette for all of `images`, chosen from some of them, spread evenly."""
    indices = np.linspace(0, len(images) - 1, min(len(images), PALETTE_PICTURES)).round()
    stacked = np.concatenate([np.asarray(images[int(i)]) for i in indices])
    # Median cut would spend nearly all colours on the ground, and none on the car or a fireball.
    return Image.fromarray(stacked).quantize(GIF_COLOURS, Image.Quantize.MAXCOVERAGE, kmeans=2)
