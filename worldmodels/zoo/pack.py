"""Packing the agent of a run into a small folder that can be passed on."""

from __future__ import annotations

import dataclasses
import os
import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from worldmodels.config import Config, dump_config, load_recorded_config, require_game
from worldmodels.data.weights import (
    CONTROLLER,
    FIRST_LATENTS,
    WEIGHTS,
    check_partners,
    load_controller,
    load_rnn,
    load_vae,
    save_network,
)
from worldmodels.errors import UsageError, WorldModelsError
from worldmodels.evolution.lineage import EARLIER, HISTORY, read_lineage
from worldmodels.rundir import (
    PREVIOUS,
    SETTINGS,
    Artifact,
    digest,
    read_json,
    write_json,
    write_text,
)

CARD = "card.md"
REPORT = "report.json"
SCORE = "## Score"
ENVIRONMENT = "environment.json"
MAKERS = {"vae": "train-vae", "rnn": "train-rnn", "ctrl": "train-ctrl"}


def pack(run: Path, out: Path, inputs_from: Path | None = None) -> list[Path]:
    """Write V and M of `run` in half precision, and C, into `out`; returns the files written.

    What `run` lacks is taken from the run `inputs_from`.

    The folder is an agent for `--agent`, with a card that says where it comes from. An agent that
    was packed there before stays until the new one is complete. Raises UsageError if `run` is none
    or `out` holds something else, and WorldModelsError if the run has no finished agent.
    """
    runs = [run] if inputs_from is None else [run, inputs_from]
    for folder in runs:
        if not (folder / "config.toml").is_file():
            raise UsageError(f"{folder} holds no run: it has no config.toml.")
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / CARD).is_file())):
        raise UsageError(f"{out} holds something else than a packed agent: name another.")
    out.parent.mkdir(parents=True, exist_ok=True)
    fresh = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    try:
        _write(runs, fresh)
        if out.exists():
            shutil.rmtree(out)
        fresh.rename(out)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return sorted(path for path in out.rglob("*") if path.is_file())


def _write(runs: Sequence[Path], out: Path) -> None:
    """Fill the folder `out`."""
    run = runs[0]
    config = load_recorded_config(run)
    for other in runs[1:]:
        require_game(other, config.experiment)
    controller = load_controller(_part(runs, "ctrl", config.experiment).path)
    parts = ("vae", "rnn", "ctrl") if controller.trained_rnn else ("vae", "ctrl")
    sources = {name: _part(runs, name, config.experiment) for name in parts}
    partners = {name: source.path for name, source in sources.items() if name != "ctrl"}
    check_partners(sources["ctrl"].path, partners)
    for name, source in sources.items():
        folder = out / name
        folder.mkdir(parents=True, exist_ok=True)
        if name == "ctrl":
            shutil.copyfile(source.path / CONTROLLER, folder / CONTROLLER)
            for log in (EARLIER, HISTORY):
                if (source.path / log).is_file():
                    shutil.copyfile(source.path / log, folder / log)
        else:
            network = (load_vae if name == "vae" else load_rnn)(source.path, "cpu")
            save_network(folder, network.to(torch.float16))
        if name == "rnn":
            shutil.copyfile(source.path / FIRST_LATENTS, folder / FIRST_LATENTS)
        # What the stage wrote about itself, so that the folder counts as finished.
        facts = _facts(source)
        Artifact(out, name, "wm pack").finish(facts["settings"], _costs(facts))
    write_text(out / "config.toml", dump_config(_as_made(config, sources)))
    shutil.copyfile(run / ENVIRONMENT, out / ENVIRONMENT)
    write_text(out / CARD, card(runs, out))


def _as_made(config: Config, sources: Mapping[str, Artifact]) -> Config:
    """The config with the settings that each part of the agent was really made with."""
    for name, source in sources.items():
        section = MAKERS[name].replace("-", "_")
        settings = getattr(config, section)
        known = {field.name for field in dataclasses.fields(settings)}
        made = {k: v for k, v in _facts(source)["settings"].items() if k in known}
        config = config.with_settings(section, dataclasses.replace(settings, **made))
    return config


def add_report(out: Path, evaluation: Path) -> None:
    """Put the evaluation of the packed agent in `out`, a folder of `wm eval`, beside it.

    Raises UsageError if either is not there, and WorldModelsError if another agent was evaluated.
    """
    if not (out / CARD).is_file():
        raise UsageError(f"{out} is no packed agent: run `wm pack` without --evaluation first.")
    if not (evaluation / REPORT).is_file():
        raise UsageError(f"{evaluation} is no evaluation: it has no {REPORT}. Run `wm eval` first.")
    report = read_json(evaluation / REPORT)
    for name, found in report["fingerprints"].items():
        weights = out / name / (CONTROLLER if name == "ctrl" else WEIGHTS)
        if not weights.is_file() or digest(weights) != found:
            raise WorldModelsError(
                f"{evaluation} scored another agent than that of {out}: run "
                f"`wm eval CONFIG --agent {out}` and name its folder."
            )
    write_json(out / REPORT, {**report, "agent": out.name})  # wherever it lay when it was scored
    above = (out / CARD).read_text().split(SCORE)[0].rstrip()
    write_text(out / CARD, f"{above}\n\n{SCORE}\n\n{_scored(report)}\n\n{_repeated(out, report)}\n")


def card(runs: Sequence[Path], out: Path) -> str:
    """The agent's card: where it comes from, what it cost, how to make it again."""
    run = runs[0]
    config = load_recorded_config(run)
    environment = read_json(run / ENVIRONMENT)
    versions = ", ".join(f"{name} {version}" for name, version in environment["packages"].items())
    commit = f", commit {environment['commit']}" if environment.get("commit") else ""
    command = environment["command"]
    whole = len(runs) == 1 and command[1:2] == ["run"]
    lines = [
        f"# An agent for {config.experiment}",
        "",
        "V and M are in half precision, C in single precision. `config.toml` has every setting.",
        "",
        "| stage | result | time |",
        "|---|---|---:|",
    ]
    earlier = _rounds_before(run)
    for number, folder in enumerate(earlier, 1):
        lines += _stages([folder], f", round {number}")
    lines += _stages(runs, f", round {len(earlier) + 1}" if earlier else "")
    lines += [
        "",
        f"Made by `{shlex.join(command)}`"
        + ("." if whole else ", the last command of several: each stage has its own."),
        "",
        f"Root seed {config.seed}. Machine: {environment['machine']}. {versions}{commit}.",
        "",
        f"Fingerprints: {', '.join(f'{n} {digest(p)}' for n, p in _weights(out))}.",
    ]
    return "\n".join(lines) + "\n"


def _rounds_before(run: Path) -> list[Path]:
    """The runs of the rounds before, the first one first."""
    before = run / PREVIOUS
    return [*_rounds_before(before), before] if before.is_dir() else []


def _stages(runs: Sequence[Path], label: str) -> list[str]:
    """What each stage made, and how long it took: rows of a table."""
    rows = []
    for name in ("episodes", "vae", "series", "rnn", "ctrl"):
        artifact = Artifact(_home(runs, name), name, "")
        if artifact.is_done or (artifact.path / CONTROLLER).is_file():
            facts = _facts(artifact)
            where = f" (played in the {facts['settings']['world']} world)" if name == "ctrl" else ""
            start = facts["settings"].get("start")
            counted = ", whose search is counted in" if name == "ctrl" else ""
            before = f" (went on from {start}{counted})" if start else ""
            minutes = facts["wall_s"] / 60
            rows.append(f"| {name}{label} | {_said(facts)}{where}{before} | {minutes:.0f} min |")
    return rows


def _home(runs: Sequence[Path], name: str) -> Path:
    """The first of the runs that has the artifact; the first of all if none has."""
    return next((run for run in runs if (run / name).exists()), runs[0])


def _part(runs: Sequence[Path], name: str, config: str) -> Artifact:
    """An artifact of the agent; of a search that goes on, the best agent so far will do."""
    run = _home(runs, name)
    artifact = Artifact(run, name, f"wm {MAKERS[name]} {config} --run {run}")
    if name != "ctrl" or artifact.is_done or not (artifact.path / CONTROLLER).is_file():
        artifact.require()
    return artifact


def _facts(artifact: Artifact) -> dict[str, Any]:
    """What a finished stage wrote about itself; of a search, which may go on, what all of it cost.

    All of it: the searches whose C it took up as well.
    """
    facts = artifact.facts if artifact.is_done else {}
    if artifact.name != "ctrl":
        return facts
    last = read_lineage(artifact.path)[-1]
    return {
        "settings": read_json(artifact.path / SETTINGS),
        **facts,
        "generations": last["generation"],
        "env_steps": last["env_steps"],
        "wall_s": last["elapsed_s"],
    }


def _scored(report: Mapping[str, Any]) -> str:
    first, last = report["seeds"][0], report["seeds"][-1]
    return (
        f"{report['mean']:.1f} ± {report['std']:.1f} over {report['episodes']} episodes of "
        f"{report['played_in']}, seeds {first} to {last}, which played no part in training; 95 % "
        f"interval of the mean {report['low']:.1f} to {report['high']:.1f}. These files were "
        f"scored, in half precision; `report.json` has every return."
    )


def _repeated(out: Path, report: Mapping[str, Any]) -> str:
    game = load_recorded_config(out).experiment
    which = f"--episodes {report['episodes']} --seed {report['seeds'][0]}"
    return (
        f"Repeat it with `wm eval {game} --agent FOLDER {which}`, where FOLDER is this one, or "
        f"`zoo` for the agent that is shipped."
    )


def _costs(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name not in ("files", "settings")}


def _said(facts: Mapping[str, Any]) -> str:
    hidden = (
        "files",
        "settings",
        "wall_s",
        "peak_memory_mib",
        "worker_peak_memory_mib",
        "finished",
    )
    shown = {name: value for name, value in facts.items() if name not in hidden}
    return ", ".join(
        f"{name.replace('_', ' ')} {value:,.4g}"
        if isinstance(value, float)
        else f"{name.replace('_', ' ')} {value:,}"
        for name, value in shown.items()
        if isinstance(value, int | float)
    )


def _weights(out: Path) -> list[tuple[str, Path]]:
    files = [(name, out / name / WEIGHTS) for name in ("vae", "rnn")]
    return [(n, p) for n, p in [*files, ("ctrl", out / "ctrl" / CONTROLLER)] if p.is_file()]
