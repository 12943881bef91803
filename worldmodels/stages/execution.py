"""How every stage is begun, resumed, finished, recorded and accounted for."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import platform
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from worldmodels import machine
from worldmodels.config import Config, dump_config, load_recorded_config
from worldmodels.data.weights import CONTROLLER, WEIGHTS
from worldmodels.errors import UsageError, WorldModelsError
from worldmodels.metrics import clock
from worldmodels.rundir import (
    SETTINGS,
    Artifact,
    digest,
    write_json,
    write_text,
)
from worldmodels.settings import Settings, may_change
from worldmodels.stages.context import Context, Stage

PACKAGES = ("torch", "numpy", "gymnasium", "vizdoom", "cma", "box2d", "mpi4py")
SPENT = "spent.json"  # seconds that unfinished sessions have put into an artifact
NOTED_EVERY_S = 10.0


def execute(stage: Stage, context: Context) -> None:
    """Run a stage unless its artifact is finished already."""
    sources = {name: context.input(name) for name in stage.needs(context)}
    for source in sources.values():
        _require(source)
    settings: Settings = getattr(context.config, stage.SECTION)
    growing = may_change(settings)
    identity = _identity(context, settings, sources)
    artifact = context.output(stage.makes(context))
    stage.check(context)
    config = _merged_config(stage, context)
    with artifact.locked():
        if stage.REPLACES:
            _drop_other(artifact, identity, growing)
        if not stage.RECHECKS and artifact.has_all(identity, growing):
            _say(f"{artifact.path} is finished already: nothing to do.")
            return
        is_new = not artifact.was_begun
        artifact.begin(identity, growing)
        _record(context, config)
        machine.reset_peak_memory()
        try:
            with _accounted(artifact) as (spent_s, went_on):
                facts = stage.run(context, artifact)
        except UsageError:
            if is_new:  # a mistake must not bind the command that corrects it
                (artifact.path / SETTINGS).unlink()
            raise
        peak_mib = machine.peak_memory_mib()
        costs = {
            "wall_s": round(spent_s(), 2),
            "peak_memory_mib": peak_mib,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        artifact.finish(identity, {**facts, **costs})
    workers = facts.get("worker_peak_memory_mib")
    each = f", of a worker {workers} MiB" if workers else ""
    sessions = ", earlier sessions included" if went_on else ""
    _say(
        f"{artifact.path} finished in {clock(spent_s())}{sessions}, peak memory {peak_mib} "
        f"MiB{each}."
    )


def preview(stage: Stage, context: Context, in_turn: bool) -> list[str]:
    """What `execute` would do, in words, after what it would ask for unless its turn is to come.

    Its checks are made once its inputs are there.
    """
    sources = {name: context.input(name) for name in stage.needs(context)}
    lacking = []
    if not in_turn:
        for source in sources.values():
            try:
                _require(source)
            except WorldModelsError as error:
                lacking.append(str(error))
    if not all(source.is_done and source.is_intact for source in sources.values()):
        return lacking + stage.plan(context)
    settings: Settings = getattr(context.config, stage.SECTION)
    artifact = context.output(stage.makes(context))
    identity, growing = _identity(context, settings, sources), may_change(settings)
    stage.check(context)
    if artifact.has_all(identity, growing):
        again = "it is shown again" if stage.REPLACES else "what is lost or damaged is made again"
        return [f"finished already{f': {again}' if stage.RECHECKS else ''}"]
    if not artifact.was_begun:
        return stage.plan(context)
    if stage.REPLACES and artifact.changed(identity, growing):
        return [f"replace {artifact.path}", *stage.plan(context)]
    artifact.require_same(identity, growing)
    return [f"go on in {artifact.path}", *stage.plan(context)]


def fingerprint(artifact: Artifact) -> str:
    """What identifies an artifact's content: that of its weights, else what it was made from."""
    weights = [path for name in (WEIGHTS, CONTROLLER) if (path := artifact.path / name).is_file()]
    if weights:
        return digest(*weights)
    settings = json.dumps(artifact.facts["settings"], sort_keys=True)
    return hashlib.sha256(settings.encode()).hexdigest()[:16]


def _require(source: Artifact) -> None:
    """Raise WorldModelsError unless the artifact can be read.

    The best agent so far of a search that goes on, or was given up, can.
    """
    if source.name == "ctrl" and not source.is_done and (source.path / CONTROLLER).is_file():
        _say(f"{source.path} is not finished: taking the best agent that the search has found.")
        return
    source.require()


def _identity(
    context: Context, settings: Settings, sources: Mapping[str, Artifact]
) -> dict[str, Any]:
    """Everything that the stage's result depends on."""
    return {
        "experiment": context.config.experiment,
        "root_seed": context.config.seed,
        "game": context.config.world,
        **dataclasses.asdict(settings),
        **{f"input:{name}": fingerprint(source) for name, source in sources.items()},
    }


@contextlib.contextmanager
def _accounted(artifact: Artifact) -> Iterator[tuple[Callable[[], float], bool]]:
    """Adds up the seconds that all sessions have put into an artifact.

    Gives a clock of them, and whether there were sessions before this one.
    """
    path = artifact.path / SPENT
    earlier = 0.0
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError):  # it is only a stopwatch
        earlier = float(json.loads(path.read_text())["wall_s"])
    began = time.monotonic()

    def spent_s() -> float:
        return float(earlier + time.monotonic() - began)

    def note() -> None:
        with contextlib.suppress(OSError):  # the stage itself complains about a full disk
            write_json(path, {"wall_s": spent_s()})

    def keep_noting() -> None:  # a session that is killed cannot do so at its end
        while not over.wait(NOTED_EVERY_S):
            note()

    over = threading.Event()
    noting = threading.Thread(target=keep_noting, daemon=True)
    noting.start()
    try:
        yield spent_s, earlier > 0
    finally:
        over.set()
        noting.join()
        note()


def _drop_other(artifact: Artifact, identity: Mapping[str, Any], growing: frozenset[str]) -> None:
    """Remove an artifact that was made from something else, if there is one."""
    if artifact.changed(identity, growing):
        _say(f"{artifact.path} was made with other settings or another agent: replacing it.")
        for path in artifact.path.iterdir():
            if path.name != ".lock":
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _recorded_config(run: Path) -> Config | None:
    """The config.toml of a run; None if there is none, or one of another version's making."""
    try:
        return load_recorded_config(run)
    except UsageError:
        return None


def _merged_config(stage: Stage, context: Context) -> Config:
    """The run's config: this stage's settings as now given, the others' as last used."""
    recorded = _recorded_config(context.run)
    if recorded is None:
        return context.config
    now = context.config
    others = dataclasses.replace(recorded, seed=now.seed, previous=now.previous, world=now.world)
    return others.with_settings(stage.SECTION, getattr(now, stage.SECTION))


def _record(context: Context, config: Config) -> None:
    """Write down the resolved config and the environment, in the folder of the run."""
    write_text(context.run / "config.toml", dump_config(config))
    write_json(
        context.run / "environment.json",
        {
            "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
            "python": platform.python_version(),
            "platform": platform.platform(),
            "machine": machine.describe(),
            "packages": {name: _version(name) for name in ("worldmodels", *PACKAGES)},
            "commit": _commit(),
        },
    )


def _commit() -> str | None:
    """The commit of this checkout of worldmodels; None for an installed package."""
    package = Path(__file__).parents[1]

    def git(*words: str) -> str:
        asked = ["git", "-C", str(package), *words]
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()

    try:
        if git("rev-parse", "--show-prefix") != f"{package.name}/":
            return None  # it lies in somebody else's repository, such as an environment's
        changed = git("status", "--porcelain", "--untracked-files=no", ".")
        return git("rev-parse", "--short=10", "HEAD") + (" and changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
