"""What a stage is given, and how every stage is begun, finished and accounted for."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import platform
import resource
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

from worldmodels.config import Config, Settings, dump_config, load_config, may_change
from worldmodels.device import DeviceName, count_gpus
from worldmodels.errors import WorldModelsError
from worldmodels.evolution.pool import Pool, count_workers, process_pool
from worldmodels.experiment import Experiment, find_experiment
from worldmodels.metrics import clock
from worldmodels.rundir import SETTINGS, Artifact, digest, write_json, write_text

# Which subcommand makes which artifact.
MAKERS = {
    "episodes": "extract",
    "vae": "train-vae",
    "series": "encode",
    "rnn": "train-rnn",
    "ctrl": "train-ctrl",
}
PACKAGES = ("torch", "numpy", "gymnasium", "vizdoom", "cma", "Box2D", "mpi4py")


@dataclass(frozen=True)
class Context:
    """One invocation of the command: the settings, where to work, and what with."""

    config: Config
    config_name: str  # as the user wrote it
    run: Path
    device: DeviceName = "auto"
    workers: int = 0
    checkpoint_s: float = 60.0
    agent: Path | None = None  # a folder with vae/, rnn/ and ctrl/, instead of the run's own
    shared_pool: Pool | None = None  # the ranks of an MPI job
    experiment: Experiment = field(init=False)
    game: Any = field(init=False)  # the experiment's own settings

    def __post_init__(self) -> None:
        """Find the game. Raises UsageError."""
        experiment = find_experiment(self.config.experiment)
        object.__setattr__(self, "experiment", experiment)
        object.__setattr__(self, "game", experiment.make_settings(self.config))

    def artifact(self, name: str) -> Artifact:
        """The artifact `name`: of the agent for its parts if one was given, else of the run."""
        maker = MAKERS.get(name, name)
        home = self.agent if self.agent and name in ("vae", "rnn", "ctrl") else self.run
        return Artifact(home, name, f"wm {maker} {self.config_name} --run {self.run}")

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
    RECHECKS: bool  # whether a finished artifact is looked through again for missing files

    def needs(self, context: Context) -> tuple[str, ...]:
        """The names of the artifacts that it reads."""

    def makes(self, context: Context) -> str:
        """The name of the artifact that it writes."""

    def plan(self, context: Context) -> list[str]:
        """What it would do, for --dry-run: sentences."""

    def run(self, context: Context, artifact: Artifact) -> dict[str, Any]:
        """Do it, or go on with it; returns facts for `done`."""


def settings_of(stage: Stage, context: Context) -> Settings:
    """The stage's own settings."""
    settings: Settings = getattr(context.config, stage.SECTION)
    return settings


def execute(stage: Stage, context: Context) -> None:
    """Run a stage unless its artifact is finished already."""
    sources = {name: context.artifact(name) for name in stage.needs(context)}
    for source in sources.values():
        source.require()
    settings = settings_of(stage, context)
    identity: dict[str, Any] = {
        "experiment": context.config.experiment,
        "seed": context.config.seed,
        "world": context.config.world,
        **dataclasses.asdict(settings),
        **{f"input:{name}": fingerprint(source) for name, source in sources.items()},
    }
    if "world" in dataclasses.asdict(settings):  # the stage's own choice among the game's worlds
        identity["world"] = [context.config.world, dataclasses.asdict(settings)["world"]]
    identity = json.loads(json.dumps(identity))
    artifact = context.artifact(stage.makes(context))
    _check_run(context)
    record = _merged_config(stage, context)
    with artifact.locked():
        if stage.REPLACES:
            _drop_other(artifact, identity, may_change(settings))
        artifact.begin(identity, may_change(settings))
        _record(context, record)
        if artifact.is_done and not stage.RECHECKS:
            _say(f"{artifact.path} is finished already: nothing to do.")
            return
        began = time.monotonic()
        _reset_peak_memory()
        facts = stage.run(context, artifact)
        earlier = artifact.facts.get("wall_s", 0.0) if artifact.is_done else 0.0
        wall_s = time.monotonic() - began
        costs = {
            "wall_s": round(earlier + wall_s, 2),
            "peak_memory_mib": peak_memory_mib(),
            "largest_worker_mib": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        artifact.finish({**facts, **costs})
    _say(f"{artifact.path} finished in {clock(wall_s)}, peak memory {peak_memory_mib()} MiB.")


def fingerprint(artifact: Artifact) -> str:
    """What identifies the content of a finished artifact: its weights, else its settings."""
    weights = [
        path
        for name in ("model.safetensors", "best.npz")
        if (path := artifact.path / name).is_file()
    ]
    return digest(*(weights or [artifact.path / SETTINGS]))


def peak_memory_mib() -> int:
    """The most memory that this process had in use since the stage began, in MiB."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) // 1024
    scale = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // scale


def _reset_peak_memory() -> None:
    with contextlib.suppress(OSError):  # only Linux can, and not in every container
        Path("/proc/self/clear_refs").write_text("5")


def _drop_other(artifact: Artifact, identity: Mapping[str, Any], growing: frozenset[str]) -> None:
    """Remove an artifact that was made from something else, if there is one."""
    file = artifact.path / SETTINGS
    if not file.is_file():
        return
    old = json.loads(file.read_text())
    same = all(old.get(k) == identity.get(k) for k in (old.keys() | identity.keys()) - growing)
    if not same:
        _say(f"{artifact.path} was made with other settings or another agent: replacing it.")
        for path in artifact.path.iterdir():
            if path.name != ".lock":
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _check_run(context: Context) -> None:
    """Refuse to mix two games in one run folder."""
    path = context.run / "config.toml"
    if path.is_file():
        other = load_config(path).experiment
        if other != context.config.experiment:
            raise WorldModelsError(
                f"{context.run} holds a run of {other}, not of {context.config.experiment}: "
                f"choose another folder with --run."
            )


def _merged_config(stage: Stage, context: Context) -> Config:
    """The run's config: this stage's settings as now given, the others' as last used."""
    path = context.run / "config.toml"
    if not path.is_file():
        return context.config
    return load_config(path).with_settings(stage.SECTION, settings_of(stage, context))


def _record(context: Context, config: Config) -> None:
    """Write down the resolved config and the environment, in the folder of the run."""
    write_text(context.run / "config.toml", dump_config(config))
    write_json(
        context.run / "environment.json",
        {
            "command": sys.argv,
            "python": platform.python_version(),
            "platform": platform.platform(),
            "machine": machine(),
            "packages": {name: _version(name) for name in ("worldmodels", *PACKAGES)},
        },
    )


def machine() -> str:
    """The processor and the memory of this machine, in a line."""
    import os

    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":", 1)[1].strip()
            for line in info.read_text().splitlines()
            if line.startswith("model name")
        ]
        model = names[0] if names else model
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model}, {len(os.sched_getaffinity(0))} cores, {memory_gib:.0f} GiB"


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
