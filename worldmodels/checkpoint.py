"""Stop a long loop at any moment and go on later without changing its result."""

from __future__ import annotations

import io
import signal
import time
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from worldmodels.errors import Interrupted, WorldModelsError
from worldmodels.rundir import write_atomic


class Checkpointer:
    """Saves the state of a loop from time to time, and when the user asks the process to stop.

    Used as a context manager around the loop. Within it Ctrl-C and SIGTERM do not end the
    process at once: the loop finishes its step, saves, and raises Interrupted. A SIGKILL loses
    only the work since the last save; replayed, it gives the same result.
    """

    def __init__(self, path: Path, every_s: float = 60.0) -> None:
        """Keep the state at `path`, saved at most every `every_s` seconds."""
        self.path = path
        self._every_s = every_s
        self._saved_at = time.monotonic()
        self._stop: str | None = None
        self._old_handlers: dict[int, Any] = {}

    def load(self) -> dict[str, Any] | None:
        """The last saved state, or None if there is none. Raises WorldModelsError if damaged.

        Only tensors, numbers, strings and containers of them are read: nothing in the file can
        run code.
        """
        import torch

        if not self.path.exists():
            return None
        try:
            state: dict[str, Any] = torch.load(self.path, weights_only=True, map_location="cpu")
        except Exception as error:
            raise WorldModelsError(
                f"{self.path} cannot be read ({type(error).__name__}): remove it to start this "
                f"stage again from its beginning."
            ) from error
        return state

    def save(self, state: dict[str, Any]) -> None:
        """Write `state`, whole or not at all."""
        import torch

        # By way of memory: torch has an error of its own for a full disk, which says nothing of it.
        content = io.BytesIO()
        torch.save(state, content)
        write_atomic(self.path, lambda file: file.write(content.getbuffer()))
        self._saved_at = time.monotonic()

    @property
    def due(self) -> bool:
        """Whether the loop should save now: time has passed, or the user wants to stop."""
        return self._stop is not None or time.monotonic() - self._saved_at >= self._every_s

    def stop_if_asked(self, where: str) -> None:
        """Raise Interrupted if a signal has come. Call right after `save`."""
        if self._stop is not None:
            raise Interrupted(
                f"stopped by {self._stop} at {where}; saved. Repeat the command to go on."
            )

    def __enter__(self) -> Checkpointer:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._old_handlers[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._old_handlers.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._stop is not None:  # a second Ctrl-C means it
            raise KeyboardInterrupt
        self._stop = signal.Signals(number).name
