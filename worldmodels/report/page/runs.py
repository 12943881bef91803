"""A run folder as a report reads it, whatever of it is there."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from worldmodels.config import (
    Config,
    find_config,
    load_config,
    load_recorded_config,
    require_game,
    shipped_configs,
)
from worldmodels.errors import UsageError, WorldModelsError
from worldmodels.experiment import Experiment, find_experiment
from worldmodels.report.statistics import Summary, summarise
from worldmodels.rundir import DONE, read_json

ARTIFACTS = ("episodes", "vae", "series", "rnn", "ctrl", "eval", "eval-random", "eval-dream")


@dataclass(frozen=True)
class Evaluation:
    """The returns of episodes that `wm eval` has played."""

    played_in: str  # in words
    returns: tuple[float, ...]
    summary: Summary


@dataclass(frozen=True)
class Run:
    """A run and what it says about itself."""

    folder: Path
    config: Config
    config_name: str  # as the last command named it, or the game's
    experiment: Experiment
    environment: dict[str, Any]
    inputs_from: Path | None = None  # a run that has what this one lacks

    @property
    def name(self) -> str:
        """What the folder is called."""
        return self.folder.resolve().name

    @property
    def is_shipped(self) -> bool:
        """Whether its settings are those of the config that it names, untouched by flags."""
        try:
            return load_config(find_config(self.config_name)) == self.config
        except UsageError:  # a file that is no longer there, or has changed
            return False

    def path(self, artifact: str) -> Path:
        """The folder of an artifact: this run's, or that of `inputs_from`."""
        own = self.folder / artifact
        if self.inputs_from is not None and not own.exists():
            return self.inputs_from / artifact
        return own

    def has(self, artifact: str) -> bool:
        """Whether an artifact is finished."""
        return (self.path(artifact) / DONE).is_file()

    def facts(self, artifact: str) -> dict[str, Any]:
        """What a finished stage has noted in `done`; empty if it is not finished.

        Raises WorldModelsError if the file is damaged.
        """
        return read_json(self.path(artifact) / DONE) if self.has(artifact) else {}

    def command(self, stage: str, *flags: str) -> str:
        """The command line that makes what is missing, with the run's own settings."""
        config = self.config_name if self.is_shipped else str(self.folder / "config.toml")
        words = ["wm", stage, config, *flags, "--run", str(self.folder)]
        if self.inputs_from is not None:
            words += ["--inputs-from", str(self.inputs_from)]
        return shlex.join(words)

    def evaluation(self, artifact: str) -> Evaluation | None:
        """The scores in eval, eval-random or eval-dream; None if there are none.

        Raises WorldModelsError if they are damaged.
        """
        path = self.path(artifact) / "report.json"
        if not path.is_file():
            return None
        report = read_json(path)
        try:
            returns = tuple(float(value) for value in report["returns"])
            return Evaluation(str(report["played_in"]), returns, summarise(returns))
        except (KeyError, TypeError, ValueError):
            raise WorldModelsError(
                f"{path} is damaged: restore it, or remove {path.parent} and make it again."
            ) from None


def open_run(folder: Path, inputs_from: Path | None = None) -> Run:
    """The run in a folder.

    Raises UsageError if it holds none, and WorldModelsError if nothing has been made in it yet or
    a file is damaged.
    """
    for place in (folder, inputs_from):
        if place is not None and not (place / "config.toml").is_file():
            raise UsageError(f"{place} holds no run: it has no config.toml.")
    config = load_recorded_config(folder)
    experiment = find_experiment(config.experiment)
    if inputs_from is not None:
        require_game(inputs_from, config.experiment)
    environment = _environment(folder / "environment.json")
    run = Run(
        folder, config, _config_name(environment, config), experiment, environment, inputs_from
    )
    if not any((folder / artifact).exists() for artifact in ARTIFACTS):
        raise WorldModelsError(
            f"{folder} has nothing to show yet: run `{run.command('run')}` first."
        )
    return run


def _environment(path: Path) -> dict[str, Any]:
    try:
        return read_json(path) if path.is_file() else {}
    except WorldModelsError:  # its advice would be to remove the whole run
        raise WorldModelsError(f"{path} is damaged: restore it, or remove that file.") from None


def _config_name(environment: dict[str, Any], config: Config) -> str:
    """The config that the last command named: `wm COMMAND CONFIG`; else the game."""
    command = environment.get("command")
    named = str(command[2]) if isinstance(command, list) and len(command) > 2 else ""
    return named if named.endswith(".toml") or named in shipped_configs() else config.experiment
