"""Row `memory`: the peak memory of every stage on data sets of different sizes."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.peaks import Peak, watch
from benchmarks.workplace import changed_config, save_vae_start
from worldmodels.data.episodes import episode_path
from worldmodels.machine import usable_cores
from worldmodels.rundir import Artifact
from worldmodels.stages.context import Context

CONFIG = "carracing"  # the paper's sizes and batches
REAL_EPISODES = 200  # that are recorded; the others are hard links to them


def measure_memory(folder: Path, sizes: Sequence[int], vae_seconds: float) -> list[Peak]:
    """The peaks of every stage for data sets of `sizes` episodes; train-vae runs `vae_seconds`."""
    recorded = folder / "recorded"
    count = min(REAL_EPISODES, max(sizes))
    everything = f"all {count} episodes"
    words = ("extract", "--world", "fast", "--slots", "8", "--episodes", str(count))
    peaks = [_stage(recorded, count, everything, *words)]
    save_vae_start(Context(changed_config(CONFIG), CONFIG, recorded))
    peaks.append(_stage(recorded, count, everything, "encode"))
    for episodes in sizes:
        peaks += _stages(recorded, folder / f"run-{episodes}", episodes, vae_seconds)
    return peaks


def _stages(recorded: Path, run: Path, episodes: int, vae_seconds: float) -> list[Peak]:
    """All stages but the first, shortened where that does not change their memory."""
    _link_episodes(recorded, run, episodes)
    linked = _link_shards(recorded, run, episodes)
    train_vae = _stage(run, episodes, "", "train-vae", stop_after_s=vae_seconds)
    context = Context(changed_config(CONFIG), CONFIG, run)
    if not context.output("vae").is_done:
        save_vae_start(context)
    candidates = str(max(2 * usable_cores(), 4))
    return [
        train_vae,
        _stage(run, episodes, f"all but {linked:,} episodes", "encode"),
        _stage(run, episodes, "3 steps", "train-rnn", "--num-steps", "3", "--report-every", "3"),
        _stage(
            *(run, episodes, f"1 generation of {candidates} candidates", "train-ctrl"),
            *("--world", "fast", "--population", candidates, "--generations", "1"),
            *("--episodes", "8", "--evaluate-episodes", "16", "--max-steps", "100"),
        ),
        _stage(run, episodes, "4 episodes", "eval", "--episodes", "4"),
    ]


def _link_episodes(recorded: Path, run: Path, episodes: int) -> None:
    """A finished data set of that size, which takes no more disk than the recorded one."""
    source = Artifact(recorded, "episodes", "")
    target = Artifact(run, "episodes", "")
    target.path.mkdir(parents=True)
    files = sorted(source.path.glob("*.npz"))
    for number in range(episodes):
        os.link(files[number % len(files)], episode_path(target.path, number))
    target.finish({**source.facts["settings"], "episodes": episodes}, {})


def _link_shards(recorded: Path, run: Path, episodes: int) -> int:
    """Series of all but the last shards, as a stopped `wm encode` leaves them: their episodes.

    To encode ten million frames would take half an hour and tell nothing new.
    """
    files = sorted((recorded / "series").glob("*.npz"))
    size = changed_config(CONFIG).encode.shard_episodes
    shards = max(episodes // size - len(files), 0)
    (run / "series").mkdir()
    for number in range(shards):
        os.link(files[number % len(files)], run / "series" / f"{number:06d}.npz")
    return shards * size


def _stage(
    run: Path,
    episodes: int,
    what: str,
    name: str,
    *flags: str,
    stop_after_s: float | None = None,
) -> Peak:
    """Run a stage in processes of its own."""
    print(f"memory: wm {name} on {episodes:,} episodes ...", file=sys.stderr, flush=True)
    run.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "worldmodels", name, CONFIG, "--run", str(run), *flags]
    watched = watch(command, run / f"{name}.log", stop_after_s)
    stopped = re.findall(r"at step [\d,]+ of [\d,]+", watched.said)
    return Peak(
        name,
        episodes,
        watched.largest_mib,
        watched.together_mib,
        f"stopped {stopped[-1]}" if stopped else what or "all steps",
    )
