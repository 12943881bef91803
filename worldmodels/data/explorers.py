"""Policies that know nothing, for recording episodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float, Int, UInt8

Explorer = Callable[[np.ndarray], np.ndarray]  # frame (64, 64, 3) -> action (A,)

POOLED = 8  # frames are averaged down to 8x8 before the random controller's projection
FEATURES = 32


class RandomController:
    """A linear controller drawn anew for each episode: smooth, varied, near-constant actions.

    Weights are Cauchy times a factor from U(0, 0.01), as in the original, where the controller
    looks at an untrained V and M. Here a fixed random projection of the frame, plus the unit
    noise of an untrained V's posterior, stands in for them: the actions have the same character
    and recording needs no network.
    """

    def __init__(
        self,
        random: np.random.Generator,
        actions: int,
        squash: Callable[[np.ndarray], np.ndarray],
    ) -> None:
        """`squash` turns raw outputs (A,) into an action (A,)."""
        self._random, self._squash = random, squash
        scale = random.uniform(0, 0.01)
        self._weight = random.standard_cauchy((actions, FEATURES)) * scale
        self._bias = random.standard_cauchy(actions) * scale
        projection = np.random.default_rng(0)  # the same for every episode
        self._projection = projection.normal(0, 1 / POOLED, (FEATURES, POOLED * POOLED * 3))

    def __call__(self, frame: UInt8[np.ndarray, "64 64 3"]) -> Float[np.ndarray, " A"]:
        """The action for `frame`."""
        side = frame.shape[0] // POOLED
        pooled = frame.reshape(POOLED, side, POOLED, side, 3).mean((1, 3)) / 127.5 - 1
        seen = self._projection @ pooled.ravel() + self._random.normal(size=FEATURES)
        return self._squash(self._weight @ seen + self._bias)


class Brownian:
    """Actions that drift: each is the last one plus a small normal step, kept within bounds."""

    def __init__(
        self, random: np.random.Generator, low: Sequence[float], high: Sequence[float]
    ) -> None:
        """`low` and `high` bound each of the A numbers of an action."""
        self._random = random
        self._low, self._high = np.array(low, np.float32), np.array(high, np.float32)
        self._action = random.uniform(self._low, self._high).astype(np.float32)

    def __call__(self, frame: UInt8[np.ndarray, "64 64 3"]) -> Float[np.ndarray, " A"]:
        """The next action; `frame` is not looked at."""
        action = self._action
        step = self._random.normal(0, np.sqrt(1 / 50), action.shape)
        self._action = np.clip(action + step, self._low, self._high).astype(np.float32)
        return action


class Held:
    """A uniform action, held for a uniform number of steps between 1 and `longest`."""

    def __init__(
        self,
        random: np.random.Generator,
        low: Sequence[float],
        high: Sequence[float],
        longest: int,
    ) -> None:
        self._random, self._longest = random, longest
        self._low, self._high = low, high
        self._left = 0

    def __call__(self, frame: UInt8[np.ndarray, "64 64 3"]) -> Float[np.ndarray, " A"]:
        """The next action; `frame` is not looked at."""
        if self._left == 0:
            self._left = int(self._random.integers(1, self._longest + 1))
            self._action = self._random.uniform(self._low, self._high).astype(np.float32)
        self._left -= 1
        return self._action


class Wandering:
    """Held actions around a preference, which is kept for many steps: it gets to the far ends.

    A policy that only holds actions for a few steps stays near the place where it starts, and M
    then knows nothing of the other places: its dream is harmless there, and C goes and hides.
    """

    def __init__(
        self,
        random: np.random.Generator,
        low: Sequence[float],
        high: Sequence[float],
        longest: int,
        stretch: int,
    ) -> None:
        """A preference lasts for 1 to `stretch` steps, an action for 1 to `longest`."""
        self._random, self._stretch, self._left = random, stretch, 0
        self._low, self._high = np.array(low, np.float32), np.array(high, np.float32)
        self._held = Held(random, low, high, longest)

    def __call__(self, frame: UInt8[np.ndarray, "64 64 3"]) -> Float[np.ndarray, " A"]:
        """The next action; `frame` is not looked at."""
        if self._left == 0:
            self._left = int(self._random.integers(1, self._stretch + 1))
            self._preference = self._random.uniform(self._low, self._high).astype(np.float32)
        self._left -= 1
        return np.clip(self._preference + self._held(frame) / 2, self._low, self._high)


class ExplorerPolicy:
    """Plays W episodes side by side, each with a fresh explorer drawn from its own seed."""

    def __init__(self, make: Callable[[np.random.Generator], Explorer], width: int, size: int):
        """`make` draws an explorer; actions have `size` numbers."""
        self._make = make
        self._explorers: list[Explorer | None] = [None] * width
        self._actions = np.zeros((width, size), np.float32)

    def begin(
        self,
        slots: Int[np.ndarray, " N"],
        seeds: Int[np.ndarray, " N"],
        candidates: Int[np.ndarray, " N"],
    ) -> None:
        """Start new episodes in `slots`; there are no candidates to tell apart."""
        for slot, seed in zip(slots, seeds, strict=True):
            # A stream of its own, so that the explorer does not repeat the game's draws.
            self._explorers[slot] = self._make(np.random.default_rng([int(seed), 1]))

    def act(
        self,
        frames: UInt8[np.ndarray, "W 64 64 3"],
        running: Int[np.ndarray, " N"] | None = None,
    ) -> Float[np.ndarray, "W A"]:
        """The actions for the frames just seen."""
        for slot, explorer in enumerate(self._explorers):
            if explorer is not None:
                self._actions[slot] = explorer(frames[slot])
        return self._actions.copy()
