"""Filming what the window shows, at a size of its own."""

from __future__ import annotations

from pathlib import Path

from worldmodels.play.screen import SIZE_PX, draw
from worldmodels.play.view import View
from worldmodels.report.video import VideoWriter


class Film:
    """An MP4 that grows by a picture a step, and appears once it is finished."""

    def __init__(self, folder: Path, frames_per_s: float) -> None:
        """Write to the first free play-NUMBER.mp4 in `folder`.

        Raises OSError where that is impossible, and WorldModelsError without PyAV.
        """
        number = 1
        while (folder / f"play-{number}.mp4").exists():
            number += 1
        self.path = folder / f"play-{number}.mp4"
        self._writer = VideoWriter(self.path, frames_per_s).__enter__()

    def add(self, view: View) -> None:
        """Append a picture. After an OSError, such as that of a full disk, nothing is left."""
        picture = draw(view, *SIZE_PX)
        try:
            self._writer.write(picture)
        except OSError as error:
            self._writer.__exit__(type(error), error, error.__traceback__)
            raise

    def finish(self) -> None:
        """Let the file appear."""
        self._writer.__exit__(None, None, None)
