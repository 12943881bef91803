"""Where one plays: an episode of a game, or a dream."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8

from worldmodels.models.rnn import Memory
from worldmodels.play.mind import Mind
from worldmodels.report.video import Panel
from worldmodels.worlds.dream import DreamWorld
from worldmodels.worlds.world import World


class Scene(ABC):
    """Episodes of a single world in DISABLED autoreset mode, one after the other."""

    name: str
    over: str  # what is said when the rules end an episode
    seed: int
    steps = 0
    total = 0.0  # the return so far
    best: float | None = None  # the highest return of the episodes that have ended
    ending = ""  # how the episode ended; empty while it goes on

    def __init__(self, world: World, has_rewards: bool) -> None:
        self._world, self.has_rewards = world, has_rewards

    @abstractmethod
    def begin(self, seed: int) -> None:
        """Begin an episode."""

    @abstractmethod
    def choose(self) -> Float[np.ndarray, " A"]:
        """The agent's action. Raises WorldModelsError where there is no agent."""

    @abstractmethod
    def advance(self, action: Float[np.ndarray, " A"], temperature: float) -> None:
        """Take a step."""

    @abstractmethod
    def panels(self) -> tuple[Panel, ...]:
        """What is to be seen; the first picture is the large one."""

    def _open(self, seed: int) -> None:
        self.seed, self.steps, self.total, self.ending = seed, 0, 0.0, ""

    def _step(self, action: Float[np.ndarray, " A"]) -> np.ndarray:
        """Take a step of the world and count it; the observation."""
        observation, reward, terminated, truncated, _ = self._world.step(action[np.newaxis])
        self.steps += 1
        self.total += float(reward[0])
        if terminated[0] or truncated[0]:
            self.ending = self.over if terminated[0] else "out of time"
            self.best = self.total if self.best is None else max(self.best, self.total)
        return np.asarray(observation[0])

    def _picture(self) -> UInt8[np.ndarray, "H W 3"]:
        pictures: Any = self._world.render()
        return np.asarray(pictures[0])


class GameScene(Scene):
    """Episodes of a game, with V and M looking on where there are any."""

    over = "over"

    def __init__(self, name: str, world: World, mind: Mind | None) -> None:
        super().__init__(world, has_rewards=True)
        self.name, self._mind = name, mind

    def begin(self, seed: int) -> None:
        """Begin an episode."""
        self._open(seed)
        observation, _ = self._world.reset(seed=[seed])
        self.frame: UInt8[np.ndarray, "64 64 3"] = observation[0]
        if self._mind is not None:
            self._mind.begin(seed)
            self._mind.see(self.frame)

    def choose(self) -> Float[np.ndarray, " A"]:
        """The agent's action."""
        assert self._mind is not None, "nobody is there to choose"
        return self._mind.choose(self._mind.z, self._mind.memory)

    def advance(self, action: Float[np.ndarray, " A"], temperature: float) -> None:
        """Take a step; M first says what it expects of it."""
        if self._mind is not None:
            self._mind.remember(action, temperature)
        self.frame = self._step(action)
        if self._mind is not None:
            self._mind.see(self.frame)

    def panels(self) -> tuple[Panel, ...]:
        """The official picture, and the frame with what V and M make of it."""
        panels = (Panel("game", self._picture()), Panel("frame", self.frame))
        if (mind := self._mind) is None:
            return panels
        if not mind.can_dream or mind.expected is None:  # as M does of a first frame
            return *panels, Panel("reconstruction", mind.decode(mind.z)[0])
        seen, expected = mind.decode(mind.z, mind.expected)
        return *panels, Panel("reconstruction", seen), Panel("dream: M expected", expected)


class DreamScene(Scene):
    """Dreams: from the latents of recorded first frames, or from those of a game's present."""

    name = "dream"
    over = "over, says M"
    _world: DreamWorld

    def __init__(self, world: DreamWorld, mind: Mind) -> None:
        """`world` has a V, to be seen with."""
        super().__init__(world, has_rewards=mind.rnn.sizes.done_head)
        self._mind = mind
        self._left: GameScene | None = None  # the game in which M fell asleep
        self._memory: Memory | None = None  # M's, when it did

    def fall_asleep(self, game: GameScene) -> None:
        """Dream on from the present frame and memory of a game, which is left standing."""
        self._left = game
        self._z = self._mind.z.clone()
        self._memory = None if self._mind.is_fresh else self._mind.memory
        self.begin(game.seed)

    def begin(self, seed: int) -> None:
        """Begin a dream, at the latent where M fell asleep if it did."""
        self._open(seed)
        if self._left is None:
            self._world.reset(seed=[seed])
            self._z = self._world.z.clone()
        else:
            number = torch.full((1,), seed, dtype=torch.int64, device=self._z.device)
            self._world.begin_at(np.array([0]), number, self._z, self._memory)
        self._origin = self._mind.decode(self._z)[0]

    def choose(self) -> Float[np.ndarray, " A"]:
        """The agent's action."""
        return self._mind.choose(self._world.z, self._world.memory)

    def advance(self, action: Float[np.ndarray, " A"], temperature: float) -> None:
        """Take a step."""
        self._world.temperature = temperature
        self._step(action)

    def panels(self) -> tuple[Panel, ...]:
        """V's decoding of z, and where the dream began."""
        dream, origin = Panel("M's dream", self._picture()), Panel("where it began", self._origin)
        if self._left is None:
            return dream, origin
        return dream, Panel("game, left at", self._left.frame), origin
