"""`wm extract`: record episodes of a policy that knows nothing, or of it and an agent in turns."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from worldmodels import seeding
from worldmodels.data.episodes import (
    Episode,
    count_steps,
    episode_path,
    list_episodes,
    save_episode,
)
from worldmodels.data.explorers import ExplorerPolicy
from worldmodels.errors import UsageError, WorldModelsError
from worldmodels.evolution.pool import chunked
from worldmodels.evolution.rollout import Limits, Observer, Outcome, Policy, Task, play
from worldmodels.experiment import WorldRequest, find_experiment
from worldmodels.metrics import Progress, counted
from worldmodels.rundir import Artifact
from worldmodels.stages.context import Context

if TYPE_CHECKING:  # recording processes are spared the time and the memory that torch takes
    from worldmodels.evolution.fitness import AgentJob

SECTION = "extract"
REPLACES = False
RECHECKS = True  # so that a damaged file can be removed and made again

RESERVE_BYTES = 1 << 30  # of disk that are left free
MOST_TRIES = 1000  # at an episode that is longer than the least length
# A unit of work is at most so many episodes a slot (the more, the fewer slots stand empty at its
# end), unless that would leave a worker with fewer units than these (all should end together).
EPISODES_A_SLOT = 4
UNITS_A_WORKER = 8


def needs(context: Context) -> tuple[str, ...]:
    """Nothing, as the first stage, unless an agent is to play too."""
    if context.agent is None:
        return ()
    from worldmodels.stages.agents import agent_parts

    return agent_parts(context)


def makes(context: Context) -> str:
    """The folder of episodes."""
    return "episodes"


@dataclass(frozen=True)
class ExtractJob:
    """Recording a few episodes a call, side by side, into files named by their numbers."""

    folder: Path
    experiment: str
    settings: Any
    world: str
    explorer: str
    seed: int
    min_steps: int
    max_steps: int
    slots: int
    agent: AgentJob | None = None  # plays every second episode
    ctrl: Path | None = None  # the folder of its C
    spread: float = 0.0  # of what is added to C's parameters

    @property
    def has_networks(self) -> bool:
        """None, unless an agent plays: else only the game is played."""
        return self.agent is not None

    def open(self, device: Any) -> Callable[[Sequence[int]], list[int]]:
        """Start the worlds; the function records episodes and returns their numbers of steps."""
        experiment = find_experiment(self.experiment)
        make = experiment.find_explorer(self.explorer)
        world = experiment.make_world(WorldRequest(self.world, self.slots, self.settings))
        explorer = ExplorerPolicy(make, self.slots, experiment.action_size)
        players: list[Callable[[Sequence[int]], Policy]] = [lambda seeds: explorer]
        if self.agent is not None and self.ctrl is not None:
            from worldmodels.data.weights import load_controller
            from worldmodels.models.agent import AgentPolicy

            parameters = load_controller(self.ctrl).parameters
            agent = self.agent.make_agent(experiment, device)
            players.append(
                lambda seeds: AgentPolicy(
                    agent, scattered(parameters, self.spread, seeds), self.slots
                )
            )

        def record(numbers: Sequence[int]) -> list[int]:
            lengths = dict.fromkeys(numbers, 0)
            for turn, player in enumerate(players):
                lengths |= record_with(player, [n for n in numbers if n % len(players) == turn])
            return list(lengths.values())

        def record_with(
            player: Callable[[Sequence[int]], Policy], numbers: Sequence[int]
        ) -> dict[int, int]:
            lengths = dict.fromkeys(numbers, 0)
            for attempt in range(MOST_TRIES):
                missing = [number for number, length in lengths.items() if not length]
                if not missing:
                    return lengths
                seeds = [self._episode_seed(number, attempt) for number in missing]
                tasks = [Task(seed, row) for row, seed in enumerate(seeds)]
                paths = [episode_path(self.folder, number) for number in missing]
                recorder = _Recorder(paths, self.min_steps)
                play(world, player(seeds), tasks, Limits(self.max_steps), recorder)
                lengths |= {missing[row]: length for row, length in recorder.saved.items()}
            raise WorldModelsError(
                f"no episode in {MOST_TRIES} lasted longer than --min-steps {self.min_steps}: "
                f"lower it."
            )

        return record

    def _episode_seed(self, number: int, attempt: int) -> int:
        return seeding.derive(self.seed, "episode", number, attempt)


def scattered(
    parameters: Float[np.ndarray, " D"], spread: float, seeds: Sequence[int]
) -> Float[np.ndarray, "N D"]:
    """The parameters for the episodes of `seeds`: each with normal noise of its seed's own."""
    size = len(parameters)
    noise = [seeding.generator(seed, "agent spread").standard_normal(size) for seed in seeds]
    return parameters + spread * np.stack(noise)


class _Recorder(Observer):
    """Saves episode i at paths[i] when it ends, if it is longer than `min_steps`."""

    def __init__(self, paths: Sequence[Path], min_steps: int) -> None:
        self._paths, self._min_steps = paths, min_steps
        self.saved: dict[int, int] = {}  # steps of the episodes that were long enough
        count = len(paths)
        self._frames: list[list[np.ndarray]] = [[] for _ in range(count)]
        self._actions: list[list[np.ndarray]] = [[] for _ in range(count)]
        self._rewards: list[list[float]] = [[] for _ in range(count)]

    def started(self, number: int, slot: int, observation: np.ndarray) -> None:
        self._frames[number].append(observation.copy())

    def stepped(
        self, number: int, slot: int, action: np.ndarray, reward: float, observation: np.ndarray
    ) -> None:
        self._actions[number].append(action.copy())
        self._rewards[number].append(reward)
        self._frames[number].append(observation.copy())

    def ended(self, number: int, outcome: Outcome) -> None:
        """All of task `number` goes to disk and is forgotten."""
        frames, self._frames[number] = self._frames[number], []
        actions, self._actions[number] = self._actions[number], []
        if outcome.length > self._min_steps:
            episode = Episode(
                np.stack(frames),
                np.stack(actions),
                np.array(self._rewards[number], np.float32),
                outcome.terminated,
                outcome.truncated,
                outcome.seed,
            )
            save_episode(self._paths[number], episode)
            self.saved[number] = outcome.length


def check(context: Context) -> None:
    """Whether there are such worlds and explorers, and episodes as long as asked for."""
    settings, experiment = context.config.extract, context.experiment
    if settings.agent_spread and not settings.agent:
        raise UsageError("--agent-spread has no meaning where no --agent is recorded.")
    experiment.find_explorer(settings.explorer)
    experiment.find_world(settings.world)
    folder = context.output(makes(context)).path
    last = max(list_episodes(folder), default=-1)
    if last >= settings.episodes:
        raise UsageError(
            f"{folder} goes up to {episode_path(folder, last).name}, beyond --episodes "
            f"{settings.episodes}, and a recording only grows: ask for {last + 1} or more, or take "
            f"another --run."
        )
    longest = experiment.max_steps(context.game)
    longest = min(longest, settings.max_steps or longest)
    if settings.min_steps >= longest:
        raise UsageError(
            f"no episode can last longer than --min-steps {settings.min_steps}: they end after "
            f"{longest} steps."
        )


def plan(context: Context) -> list[str]:
    """How many episodes are missing, and the disk that they need."""
    folder = context.run / "episodes"
    missing = context.config.extract.episodes - len(_recorded(folder))
    needed = _forecast_bytes(context, folder, missing)
    return [
        f"record {missing:,} of {counted(context.config.extract.episodes, 'episode')} into "
        f"{folder}",
        f"about {needed / 2**30:.2f} GiB of disk are needed, {_free_bytes(folder) / 2**30:.2f} "
        f"GiB are free",
    ]


def run(context: Context, artifact: Artifact) -> dict[str, Any]:
    """Record the episodes that are not there yet. Raises WorldModelsError if the disk is small."""
    settings = context.config.extract
    recorded = _recorded(artifact.path)
    count, steps = len(recorded), sum(recorded.values())
    missing = [number for number in range(settings.episodes) if number not in recorded]
    needed = _forecast_bytes(context, artifact.path, len(missing))
    free = _free_bytes(artifact.path)
    with Progress("extract", settings.episodes, "episode", count) as progress:
        if missing:
            progress.say(
                f"extract: {counted(len(missing), 'episode')} to record, about "
                f"{needed / 2**30:.2f} GiB; {free / 2**30:.1f} GiB are free at {artifact.path}."
            )
        if needed + RESERVE_BYTES > free:
            raise WorldModelsError(
                f"{artifact.path} needs about {needed / 2**30:.1f} GiB and 1 GiB in reserve, but "
                f"only {free / 2**30:.1f} GiB are free: free some space, choose another disk with "
                f"--run, or record fewer with --episodes."
            )
        agent = ctrl = None
        if context.agent is not None:
            from worldmodels.stages.agents import agent_job

            _, agent = agent_job(context, settings.world, settings.slots, None)
            ctrl = context.input("ctrl").path
        job = ExtractJob(
            artifact.path,
            context.config.experiment,
            context.game,
            settings.world,
            settings.explorer,
            # Other episodes than those that the agent was trained on.
            seeding.derive(context.config.seed, "extract", *(["agent"] if agent else [])),
            settings.min_steps,
            settings.max_steps,
            settings.slots,
            agent,
            ctrl,
            settings.agent_spread,
        )
        workers_mib = 0
        if missing:
            artifact.reopen()
            context.compile_world(settings.world)
            with context.pool() as pool:
                for lengths in pool.map(job, _units(missing, settings.slots, pool.workers)):
                    count, steps = count + len(lengths), steps + sum(lengths)
                    progress.update(len(lengths), f"{steps:,} steps")
                workers_mib = pool.peak_memory_mib
    return {
        "episodes": count,
        "steps": steps,
        "bytes": _size_bytes(artifact.path),
        "worker_peak_memory_mib": workers_mib,
    }


def _units(numbers: Sequence[int], slots: int, workers: int) -> list[Sequence[int]]:
    """The work in pieces: large enough for full batches, small enough for all workers."""
    fair = len(numbers) // (UNITS_A_WORKER * workers)
    return chunked(numbers, max(slots, min(fair, EPISODES_A_SLOT * slots)))


def _recorded(folder: Path) -> dict[int, int]:
    """The lengths of the good episodes that are there, by number."""
    lengths = {number: count_steps(path) for number, path in list_episodes(folder).items()}
    return {number: length for number, length in lengths.items() if length is not None}


def _forecast_bytes(context: Context, folder: Path, episodes: int) -> int:
    """Disk that `episodes` more will take: as much as those that are there, or the game's usual."""
    recorded = list(list_episodes(folder).values())[:100]
    if recorded:
        return episodes * sum(path.stat().st_size for path in recorded) // len(recorded)
    longest = context.config.extract.max_steps or context.experiment.max_steps(context.game)
    steps = min(longest, context.experiment.usual_steps)
    return episodes * (steps + 1) * context.experiment.frame_bytes


def _free_bytes(folder: Path) -> int:
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(existing).free


def _size_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in list_episodes(folder).values())
