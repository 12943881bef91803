"""Row `extract`: recording episodes of CarRacing to disk."""

from __future__ import annotations

import itertools
import statistics
import time

from benchmarks.measure import Row, in_turns
from benchmarks.references.recorder import PlainRecorder
from benchmarks.workplace import Workplace, changed_config, run_stage
from worldmodels.evolution.pool import process_pool
from worldmodels.machine import usable_cores
from worldmodels.stages import extract


def measure(place: Workplace) -> list[Row]:
    """`wm extract carracing-first`, whole episodes, by workers that stay."""
    cores = usable_cores()
    episodes = place.pick(12, 4) * cores
    changes = {"episodes": episodes, "max_steps": place.pick(0, 60)}
    config = changed_config("carracing-first", extract=changes)
    job = PlainRecorder(place.folder, config.extract.explorer, place.pick(1000, 60))
    workers = max(cores, 2)
    numbers = itertools.count()
    seeds = itertools.count()
    lengths: list[float] = []

    def plain() -> float:
        done = plain_pool.map(job, [next(seeds) for _ in range(workers)])
        return float(sum(steps / elapsed_s for steps, elapsed_s in done))

    def subject() -> float:
        context = place.context(config, f"recorded-{next(numbers)}", pool)
        began = time.perf_counter()
        artifact = run_stage(extract, context)
        steps = int(artifact.facts["steps"])
        lengths.append(steps / episodes)
        return steps / (time.perf_counter() - began)

    with place.context(config, "base").pool() as pool, process_pool(workers, "cpu") as plain_pool:
        rates = in_turns(plain, subject, rounds=place.pick(4, 2))
    length = statistics.mean(lengths)
    ours, theirs = (statistics.median(side) for side in (rates.subject, rates.reference))
    return [
        Row(
            name="extract",
            subject="recording episodes to disk, fast world, all cores",
            reference="official game and numpy.savez_compressed, a process a core",
            unit="steps/s",
            rates=rates,
            goal="30x, better 50x",
            notes=(
                f"that is {ours / length:.2f} against {theirs / length:.3f} episodes/s of "
                f"{length:.0f} steps",
            ),
        )
    ]
