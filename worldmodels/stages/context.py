"""What a stage is given, and what it must offer."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from worldmodels.config import Config, require_game
from worldmodels.device import DeviceName, count_gpus
from worldmodels.evolution.pool import Pool, count_workers, process_pool
from worldmodels.experiment import Experiment, WorldRequest, find_experiment
from worldmodels.rundir import Artifact
from worldmodels.worlds.compilation import warm_up

# Which subcommand makes which artifact.
MAKERS = {
    "episodes": "extract",
    "vae": "train-vae",
    "series": "encode",
    "rnn": "train-rnn",
    "ctrl": "train-ctrl",
}
AGENT = ("vae", "rnn", "ctrl")


@dataclass(frozen=True)
class Context:
    """One invocation of the command: the settings, where to work, and what with."""

    config: Config
    config_name: str  # as the user wrote it
    run: Path
    device: DeviceName = "auto"
    workers: int = 0
    checkpoint_s: float = 60.0
    inputs_from: Path | None = None  # a run that has what this one lacks
    agent: Path | None = None  # a folder with vae/, rnn/ and ctrl/, instead of the run's own
    shared_pool: Pool | None = None  # the ranks of an MPI job
    experiment: Experiment = field(init=False)
    game: Any = field(init=False)  # the experiment's own settings

    def __post_init__(self) -> None:
        """Find the game. Raises UsageError, also if a run to work with is of another game.

        An agent may be: whether its sizes fit is all that is asked where it is taken up.
        """
        count_workers(self.workers)
        experiment = find_experiment(self.config.experiment)
        object.__setattr__(self, "experiment", experiment)
        object.__setattr__(self, "game", experiment.make_settings(self.config))
        for folder in filter(None, (self.run, self.inputs_from)):
            require_game(folder, self.config.experiment)

    def output(self, name: str) -> Artifact:
        """The artifact `name` of this run, to be written."""
        return self._in(self.run, name)

    def input(self, name: str) -> Artifact:
        """The artifact `name` to be read: the agent's, this run's, or that of `inputs_from`.

        `previous/NAME` is that of the round before, and so on.
        """
        if self.agent is not None and name in AGENT:
            return self._in(self.agent, name)
        own = self._in(self.run, name)
        if self.inputs_from is not None and not own.path.exists():
            other = self._in(self.inputs_from, name)
            # What neither has is to be made here: the other may be a packed agent.
            return other if other.path.exists() else own
        return own

    def compile_world(self, kind: str) -> None:
        """Have a world of compiled kernels ready before workers need it."""
        if kind in self.experiment.threaded_worlds:
            warm_up(self.experiment.make_world(WorldRequest(kind, 1, self.game)), kind)

    def _in(self, folder: Path, name: str) -> Artifact:
        rounds, _, kind = name.rpartition("/")
        command = "run" if rounds else MAKERS.get(name, name)
        words = ["wm", command, self.config_name, "--run", str(folder)]
        if self.inputs_from is not None and folder == self.run:
            words += ["--inputs-from", str(self.inputs_from)]
        return Artifact(folder / rounds, kind, shlex.join(words))

    @contextlib.contextmanager
    def pool(self, networks_only: bool = False) -> Iterator[Pool]:
        """The workers: MPI ranks under mpiexec, else processes.

        Work that is done by `networks_only` keeps a GPU busy from one process; by default there
        is then one for each GPU, not for each core.
        """
        if self.shared_pool is not None:
            yield self.shared_pool
            return
        workers = count_workers(self.workers)
        if networks_only and self.workers == 0:
            workers = count_gpus(self.device) or workers
        with process_pool(workers, self.device) as pool:
            yield pool


class Stage(Protocol):
    """A module of this package that is a stage of the pipeline."""

    SECTION: str  # its table in a config
    REPLACES: bool  # whether other settings replace an old artifact rather than being refused
    RECHECKS: bool  # whether a finished artifact is gone through again: for missing files, or to
    # show its result once more

    def needs(self, context: Context) -> tuple[str, ...]:
        """The names of the artifacts that it reads."""

    def makes(self, context: Context) -> str:
        """The name of the artifact that it writes."""

    def check(self, context: Context) -> None:
        """Raise WorldModelsError for what makes no sense, before anything is touched."""

    def plan(self, context: Context) -> list[str]:
        """What it would do, for --dry-run: sentences."""

    def run(self, context: Context, artifact: Artifact) -> dict[str, Any]:
        """Do it, or go on with it; returns facts for `done`."""
