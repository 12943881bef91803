"""What the keys of the window mean."""

from __future__ import annotations

from enum import Enum, auto


class Intent(Enum):
    """What a person may ask for, besides steering."""

    HAND_OVER = auto()
    PAUSE = auto()
    STEP = auto()
    RESTART = auto()
    TO_DREAM = auto()
    TO_GAME = auto()
    HOTTER = auto()
    COOLER = auto()
    FILM = auto()
    HELP = auto()
    QUIT = auto()


# Names are SDL's, or the character that a key types, so that every keyboard's brackets will do.
STEERING = {
    "left": "left",
    "right": "right",
    "up": "up",
    "down": "down",
    "a": "left",
    "d": "right",
    "w": "up",
    "s": "down",
}
COMMANDS = {
    "m": Intent.HAND_OVER,
    ".": Intent.PAUSE,
    "e": Intent.STEP,
    "return": Intent.RESTART,
    "enter": Intent.RESTART,
    "[": Intent.TO_DREAM,
    "]": Intent.TO_GAME,
    "+": Intent.HOTTER,
    "=": Intent.HOTTER,  # where + needs the shift key
    "-": Intent.COOLER,
    "r": Intent.FILM,
    "h": Intent.HELP,
    "f1": Intent.HELP,
    "q": Intent.QUIT,
    "escape": Intent.QUIT,
}
HELP = (
    ("arrows or W A S D", "steer"),
    ("m", "hand over to the agent, and take over from it"),
    (". (period)", "pause, and go on"),
    ("e", "one step, while paused"),
    ("Enter", "restart, with the next seed"),
    ("[", "M falls asleep here and dreams on"),
    ("]", "back to the game, where it was left"),
    ("+  -", "temperature of the dream"),
    ("r", "film what is shown, until r is pressed again"),
    ("h or F1", "this help"),
    ("Esc or q", "quit"),
)


class Keyboard:
    """Which keys are held down."""

    def __init__(self) -> None:
        self._held: set[str] = set()

    @property
    def directions(self) -> frozenset[str]:
        """The directions, of up, down, left and right, that are held."""
        return frozenset(STEERING[name] for name in self._held)

    def press(self, name: str, character: str) -> Intent | None:
        """A key went down: what it asks for, if it does not steer.

        `name` is the key's, `character` what it types, which may be nothing.
        """
        name, character = name.lower(), character.lower()
        if name in STEERING:
            self._held.add(name)
            return None
        return COMMANDS.get(character) or COMMANDS.get(name)

    def release(self, name: str) -> None:
        """A key went up."""
        self._held.discard(name.lower())

    def let_go(self) -> None:
        """All keys are up: those that are released while another window is used are not heard."""
        self._held.clear()
