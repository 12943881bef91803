"""A person and an agent, taking turns in a game and in dreams of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from jaxtyping import Float

from worldmodels.errors import WorldModelsError
from worldmodels.experiment import Experiment
from worldmodels.play.film import Film
from worldmodels.play.keys import Intent
from worldmodels.play.mind import Mind
from worldmodels.play.scenes import DreamScene, GameScene, Scene
from worldmodels.play.steering import Steering
from worldmodels.play.view import Gauge, View

TEMPERATURE_STEP = 0.05
TEMPERATURES = (0.05, 5.0)  # lowest and highest


class Session:
    """What goes on behind the window; it knows nothing of pygame.

    The window says which directions are `held`, how fast it all goes (`speed`) and whether that
    is too slow (`warning`), passes on what is asked for, and calls `tick` at the game's rate.
    """

    def __init__(
        self,
        experiment: Experiment,
        mind: Mind | None,
        game: GameScene | None,
        dream: DreamScene | None,
        seed: int,
        temperature: float,
        films: Path,
    ) -> None:
        """Begin in the game, or in a dream where there is no game; `films` is a folder."""
        self._experiment, self._mind = experiment, mind
        self._game, self._dream = game, dream
        scene = game or dream
        assert scene is not None, "there must be something to play in"
        self.scene: Scene = scene
        self.scene.begin(seed)
        self.temperature = temperature
        self.held: frozenset[str] = frozenset()
        self.speed = ""
        self.warning = ""
        self.message = ""
        self.is_paused = False
        self.shows_help = False
        self.has_quit = False
        self.agent_drives = not experiment.levers and mind is not None and mind.can_act
        self._steering = Steering(experiment.levers)
        self._action: Float[np.ndarray, " A"] = np.zeros(experiment.action_size, np.float32)
        self._films = films
        self._film: Film | None = None
        self._obeys: dict[Intent, Callable[[], None]] = {
            Intent.HAND_OVER: self._hand_over,
            Intent.PAUSE: self._pause,
            Intent.STEP: self._step_once,
            Intent.RESTART: self._restart,
            Intent.TO_DREAM: self._fall_asleep,
            Intent.TO_GAME: self._wake_up,
            Intent.HOTTER: lambda: self._heat(TEMPERATURE_STEP),
            Intent.COOLER: lambda: self._heat(-TEMPERATURE_STEP),
            Intent.FILM: self._start_or_end_film,
            Intent.HELP: self._help,
            Intent.QUIT: self._quit,
        }

    def obey(self, intent: Intent) -> None:
        """Do what was asked for; `message` says how it went, where that cannot be seen."""
        self.message = ""
        self._obeys[intent]()

    def tick(self) -> bool:
        """Take a step, unless everything stands still; whether one was taken."""
        if self.is_paused or self.shows_help or self.scene.ending:
            return False
        self._advance()
        return True

    def close(self) -> None:
        """Finish a film that is still being made. Raises OSError if that fails."""
        if self._film is not None:
            self._end_film()

    def view(self) -> View:
        """What there is to show."""
        return View(
            panels=self.scene.panels(),
            facts=self._facts(),
            gauges=self._gauges(),
            banner=self._banner(),
            message=self.message,
            warning=self.warning,
            is_filmed=self._film is not None,
            shows_help=self.shows_help,
        )

    def _advance(self) -> None:
        if self.agent_drives:
            self._action = self.scene.choose()
        elif self._experiment.levers:
            self._action = self._steering.move(self.held, 1 / self._experiment.frames_per_s)
        self.scene.advance(self._action, self.temperature)
        if (film := self._film) is not None:
            self._filming(lambda: film.add(self.view()))

    def _hand_over(self) -> None:
        if self._mind is None or not self._mind.can_act:
            self.message = "there is no agent: name one with --run or --agent"
        elif not self._experiment.levers:
            self.message = f"{self._experiment.name} names no keys: only the agent can play it"
        else:
            self.agent_drives = not self.agent_drives
            self._steering.let_go()

    def _pause(self) -> None:
        self.is_paused = not self.is_paused

    def _step_once(self) -> None:
        if not self.is_paused:
            self.message = "e takes a single step of a paused game: press . first"
        elif not self.scene.ending:
            self._advance()

    def _restart(self) -> None:
        self.scene.begin(self.scene.seed + 1)
        self._steering.let_go()

    def _fall_asleep(self) -> None:
        if self.scene is self._dream:
            self.message = "this is a dream already: Enter begins another"
        elif self._dream is None or self._game is None:
            self.message = "there is no trained M that could dream: name one with --run or --agent"
        else:
            self._dream.fall_asleep(self._game)
            self.scene = self._dream

    def _wake_up(self) -> None:
        if self._game is None:
            self.message = "this dream has no game to go back to: start with --world official"
        elif self.scene is self._game:
            self.message = "this is the game already"
        else:
            self.scene = self._game

    def _heat(self, by: float) -> None:
        lowest, highest = TEMPERATURES
        if self._mind is None or not self._mind.can_dream:
            self.message = "there is no trained M that the temperature could matter to"
        else:
            self.temperature = round(min(max(self.temperature + by, lowest), highest), 4)

    def _start_or_end_film(self) -> None:
        self._filming(self._start_film if self._film is None else self._end_film)

    def _start_film(self) -> None:
        self._film = Film(self._films, self._experiment.frames_per_s)
        self._film.add(self.view())

    def _end_film(self) -> None:
        assert self._film is not None, "there is no film to end"
        film, self._film = self._film, None
        film.finish()
        self.message = f"filmed: {film.path}"
        print(film.path, flush=True)

    def _filming(self, work: Callable[[], None]) -> None:
        """Do something for the film; where that fails the game goes on without one."""
        try:
            work()
        except (WorldModelsError, OSError) as error:
            self._film = None
            self.message = f"no film: {error}"

    def _help(self) -> None:
        self.shows_help = not self.shows_help

    def _quit(self) -> None:
        self.has_quit = True

    def _facts(self) -> tuple[tuple[str, str], ...]:
        scene = self.scene
        facts = []
        if scene.has_rewards:
            facts.append(("return", f"{scene.total:.1f}"))
        facts.append(("steps", str(scene.steps)))
        if scene.has_rewards:
            facts.append(("best", "-" if scene.best is None else f"{scene.best:.1f}"))
        facts.append(("seed", str(scene.seed)))
        facts.append(("driver", "agent" if self.agent_drives else "you"))
        facts.append(("world", scene.name))
        if self._mind is not None and self._mind.can_dream:
            facts.append(("temperature", f"{self.temperature:.2f}"))
        facts.append(("speed", self.speed))
        return tuple(facts)

    def _gauges(self) -> tuple[Gauge, ...]:
        return tuple(
            Gauge(lever.name, float(value), bool(lever.minus))
            for lever, value in zip(self._experiment.levers, self._action, strict=False)
        )

    def _banner(self) -> str:
        if self.scene.ending:
            return f"{self.scene.ending}   (Enter: another)"
        return "paused" if self.is_paused else ""
