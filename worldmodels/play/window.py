"""The window: shows pictures, hears keys, keeps time."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from worldmodels import interruption
from worldmodels.errors import WorldModelsError
from worldmodels.play.keys import Keyboard
from worldmodels.play.pace import Pace
from worldmodels.play.screen import SIZE_PX, draw
from worldmodels.play.session import Session

INSTEAD = "use `wm web`, which shows the same in a browser, or film the agent with `wm render`"


def connect() -> Any:
    """pygame, joined to the display. Raises WorldModelsError where there is none.

    To be called before an official game is made: some of them tell SDL to draw into memory.
    """
    named = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")
    if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in named):
        raise WorldModelsError(f"there is no display to open a window on: {INSTEAD}.")
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    import pygame

    try:
        pygame.display.init()
    except pygame.error as error:
        raise WorldModelsError(f"no window can be opened here ({error}): {INSTEAD}.") from error
    return pygame


class Window:
    """A session in a window that can be resized."""

    def __init__(
        self, pygame: Any, session: Session, title: str, steps_per_s: float, scale: float
    ) -> None:
        """Open it; `scale` 1 is 1000 x 600 pixels. Raises WorldModelsError if that fails."""
        self._pygame, self._session = pygame, session
        self._steps_per_s = steps_per_s
        self._pace = Pace(steps_per_s)
        self._keyboard = Keyboard()
        width, height = (round(size * scale) for size in SIZE_PX)
        try:
            pygame.display.set_mode((width, height), pygame.RESIZABLE)
        except pygame.error as error:
            raise WorldModelsError(f"no window can be opened here ({error}): {INSTEAD}.") from error
        pygame.display.set_caption(title)
        pygame.event.set_blocked(pygame.MOUSEMOTION)  # it would have everything drawn anew

    def run(self) -> None:
        """Play until the person has had enough."""
        self._show()
        while not self._session.has_quit:
            interruption.raise_if_asked()
            self.turn(time.monotonic())
            time.sleep(self._pace.wait_s(time.monotonic()))

    def turn(self, now_s: float) -> None:
        """Hear what there is to hear, take the steps that are due, and show what has changed."""
        events = self._pygame.event.get()
        for event in events:
            self._hear(event)
        session = self._session
        session.held = self._keyboard.directions
        moved = [session.tick() for _ in range(self._pace.due(now_s))]
        self._tell_speed(any(moved))
        if events or any(moved):
            self._show()

    def _hear(self, event: Any) -> None:
        pygame = self._pygame
        if event.type == pygame.QUIT:
            self._session.has_quit = True
        elif event.type == pygame.WINDOWFOCUSLOST:
            self._keyboard.let_go()
        elif event.type == pygame.KEYUP:
            self._keyboard.release(pygame.key.name(event.key))
        elif event.type == pygame.KEYDOWN:
            typed = getattr(event, "unicode", "")
            intent = self._keyboard.press(pygame.key.name(event.key), typed)
            if intent is not None:
                self._session.held = self._keyboard.directions
                self._session.obey(intent)

    def _tell_speed(self, moves: bool) -> None:
        measured = self._pace.measured_per_s if moves else None
        self._session.speed = "-" if measured is None else f"{measured:.0f}/s"
        self._session.warning = ""
        if measured is not None and self._pace.is_behind:
            self._session.warning = (
                f"this machine cannot keep up: {measured:.0f} of {self._steps_per_s:g} steps/s"
            )

    def _show(self) -> None:
        pygame = self._pygame
        surface = pygame.display.get_surface()
        picture = draw(self._session.view(), *surface.get_size())
        height, width, _ = picture.shape
        surface.blit(pygame.image.frombuffer(picture.tobytes(), (width, height), "RGB"), (0, 0))
        pygame.display.flip()
