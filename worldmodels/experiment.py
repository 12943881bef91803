"""What the pipeline must know about a game, and how a game is found."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from worldmodels.config import Config, build_settings, nearest
from worldmodels.errors import UsageError

if TYPE_CHECKING:
    import gymnasium
    import numpy as np
    from torch import Tensor

    from worldmodels.worlds.world import World

SHIPPED = ("carracing", "doom")
OFFICIAL = "official"  # the kind of world that scores are published from


@dataclass(frozen=True)
class WorldRequest:
    """A world of one of a game's kinds."""

    kind: str  # a key of Experiment.worlds
    num_envs: int
    settings: Any  # the experiment's own settings dataclass
    render: bool = False  # whether `render` will be called
    threads: int = 1  # that the worlds may be shared out among, where their kind can do that


@dataclass(frozen=True)
class Score:
    """A published score over 100 episodes of the official game."""

    name: str
    mean: float
    spread: float | None
    source: str


@dataclass(frozen=True)
class CurvePoint:
    """What a published search of C had reached at some moment; None where nobody says."""

    generation: int
    score: float  # return of the search distribution's mean
    env_steps: float | None
    hours: float | None


@dataclass(frozen=True)
class LearningCurve:
    """How a published search of C went."""

    name: str
    source: str
    points: tuple[CurvePoint, ...]


@dataclass(frozen=True)
class Lever:
    """A number of the action as a person moves it: at rest it is 0, a held key pushes it away.

    The keys are up, down, left and right.
    """

    name: str  # as `wm play` shows it
    plus: str  # the key that pushes it to `reach`
    minus: str = ""  # the key that pushes it to -`reach`; empty: none does
    reach: float = 1.0
    rise_s: float = 0.0  # seconds from rest to `reach`; 0: at once
    fall_s: float = 0.0  # seconds from `reach` back to rest


@dataclass(frozen=True)
class Experiment:
    """A game: everything that differs from one to another."""

    name: str
    title: str
    settings: type  # frozen dataclass of the game's own settings
    action_size: int
    worlds: Mapping[str, Callable[[WorldRequest], World]]  # in DISABLED autoreset mode
    action_space: Callable[[], gymnasium.Space]
    squash: Callable[[Tensor], Tensor]  # C's raw output (B, A) -> action (B, A)
    explorers: Mapping[str, Callable[[np.random.Generator], Callable[[np.ndarray], np.ndarray]]]
    random_explorer: str  # the policy of `wm eval --random`
    max_steps: Callable[[Any], int]  # longest episode under given settings
    done_head: bool  # whether M predicts the end of an episode, so that C can be trained in it
    idle_reward: float | None  # reward of a step in which nothing happens; None: no such thing
    threaded_worlds: frozenset[str]  # kinds that one process can step on many threads
    frames_per_s: int  # for videos
    usual_steps: int  # of an episode of random play, and ...
    frame_bytes: int  # ... a compressed frame on disk: for the forecast of `wm extract`
    solved: float
    scores: tuple[Score, ...]
    learning_curve: LearningCurve | None = None  # of the original's search, in the same world
    levers: tuple[
        Lever, ...
    ] = ()  # for people who steer: one for each number of the action, or none

    def make_settings(self, config: Config) -> Any:
        """The game's settings from the config's [world] table. Raises UsageError."""
        return build_settings(self.settings, config.world, "[world]", "world.")

    def find_world(self, kind: str, others: tuple[str, ...] = ()) -> None:
        """Raise UsageError unless the game has worlds of this kind, or it is one of `others`."""
        known = [*self.worlds, *others]
        if kind not in known:
            raise UsageError(
                f"{self.name} has no world {kind!r}{nearest(kind, known)} It has: "
                f"{', '.join(known)}."
            )

    def make_world(self, request: WorldRequest) -> World:
        """A batch of the game's worlds of one kind. Raises UsageError for an unknown kind."""
        self.find_world(request.kind)
        return self.worlds[request.kind](request)

    def find_explorer(
        self, name: str
    ) -> Callable[[np.random.Generator], Callable[[np.ndarray], np.ndarray]]:
        """A way of drawing random actions. Raises UsageError for an unknown one."""
        if name not in self.explorers:
            raise UsageError(
                f"{self.name} has no explorer {name!r}{nearest(name, self.explorers)} "
                f"It has: {', '.join(self.explorers)}."
            )
        return self.explorers[name]


def find_experiment(name: str) -> Experiment:
    """A shipped game by name, or the EXPERIMENT of a module by dotted path. Raises UsageError."""
    path = f"worldmodels.experiments.{name}" if name in SHIPPED else name
    try:
        module = importlib.import_module(path)
    except (ImportError, ValueError, TypeError) as error:  # the latter two: "" and ".name"
        raise UsageError(
            f"the experiment {name!r} cannot be imported ({error}){nearest(name, SHIPPED)} "
            f"Shipped: {', '.join(SHIPPED)}; or give the dotted path of a module."
        ) from error
    except SyntaxError as error:
        raise UsageError(f"the experiment {name!r} is not valid Python: {error}.") from error
    experiment = getattr(module, "EXPERIMENT", None)
    if not isinstance(experiment, Experiment):
        raise UsageError(f"the module {path} has no EXPERIMENT of type worldmodels Experiment.")
    return experiment
