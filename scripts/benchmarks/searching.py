"""A search for C, generation by generation, as `wm train-ctrl` does it."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.measure import Rate
from benchmarks.part_times import PartTimes, Rule, WatchedPool
from benchmarks.workplace import Workplace, run_stage
from worldmodels.config import Config
from worldmodels.device import resolve_acting_precision, resolve_device
from worldmodels.evolution.fitness import DREAM
from worldmodels.evolution.pool import Job, Pool, SerialPool, process_pool
from worldmodels.machine import usable_cores
from worldmodels.metrics import read_jsonl
from worldmodels.stages import train_ctrl

SHORTEST_POPULATION = 4  # that CMA-ES accepts


def population(config: Config, units: int) -> int:
    """Candidates whose episodes fill `units` units of work."""
    settings = config.train_ctrl
    return max(units * settings.unit_episodes // settings.episodes, SHORTEST_POPULATION)


class FirstGenerations:
    """The first generation, again and again, by workers that stay: start-up does not count."""

    def __init__(self, place: Workplace, config: Config, pool: Pool) -> None:
        self._place, self._config, self._pool = place, config, pool
        self._numbers = itertools.count()
        self.last: dict[str, Any] = {}  # line of history.jsonl

    def __call__(self) -> float:
        """Steps of the agent in a second, as the stage itself reports them."""
        run = f"search-{next(self._numbers)}"
        artifact = run_stage(train_ctrl, self._place.context(self._config, run, self._pool))
        self.last = read_jsonl(artifact.path / "history.jsonl")[-1]
        return float(self.last["steps_per_s"])


@contextlib.contextmanager
def searching(place: Workplace, config: Config) -> Iterator[FirstGenerations]:
    """A search with the workers that the stage would start."""
    context = place.context(config, "search")
    with context.pool(networks_only=config.train_ctrl.world == DREAM) as pool:
        yield FirstGenerations(place, config, pool)


def time_parts(place: Workplace, config: Config, rules: Sequence[Rule]) -> dict[str, float]:
    """Microseconds of each part in a step of the agent, where one process does all the work."""
    serial = SerialPool(place.device)
    run_stage(train_ctrl, place.context(config, "parts-warm-up", serial))
    times = PartTimes(rules)
    context = place.context(config, "parts", WatchedPool(serial, times))
    artifact = run_stage(train_ctrl, context)
    return times.per_step_us(read_jsonl(artifact.path / "history.jsonl")[-1]["env_steps"])


def acting_precision(place: Workplace, config: Config) -> str:
    """The arithmetic of V and M in a search here."""
    device = resolve_device(place.device)
    precision = resolve_acting_precision(config.train_ctrl.precision, device)
    return str(precision).removeprefix("torch.")


@contextlib.contextmanager
def plain_workers(job: Job, seconds: float) -> Iterator[Rate]:
    """A process for each core that works in the plain way: steps in a second, all together.

    `job` is given `seconds` and returns its steps and the seconds that they really took.
    """
    workers = max(usable_cores(), 2)  # a pool of one would work in this process

    def rate() -> float:
        done = pool.map(job, [seconds] * workers)
        return float(sum(steps / elapsed_s for steps, elapsed_s in done))

    with process_pool(workers, "cpu") as pool:
        yield rate
