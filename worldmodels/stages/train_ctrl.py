"""`wm train-ctrl`: search C with CMA-ES, in the game or in the dream."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from worldmodels import seeding
from worldmodels.checkpoint import Checkpointer
from worldmodels.data.weights import SavedController, save_controller
from worldmodels.errors import UsageError, WorldModelsError
from worldmodels.evolution.averaging import averaged
from worldmodels.evolution.blocks import block_of, standings
from worldmodels.evolution.cmaes import CmaEs
from worldmodels.evolution.curriculum import Curriculum, read_curriculum
from worldmodels.evolution.fitness import DREAM, cut
from worldmodels.evolution.journal import Journal
from worldmodels.evolution.lineage import EARLIER, HISTORY
from worldmodels.evolution.pool import Pool
from worldmodels.evolution.rollout import Limits, Outcome
from worldmodels.metrics import MetricsLog, Progress, counted, write_jsonl
from worldmodels.report.progress import generation_text, scored_of
from worldmodels.rundir import Artifact
from worldmodels.settings import TrainCtrlSettings
from worldmodels.stages.agents import check_start
from worldmodels.stages.context import Context
from worldmodels.stages.search_start import first_mean, search_coordinates, search_job
from worldmodels.stages.train_rnn import start_seed

SECTION = "train_ctrl"
REPLACES = False
RECHECKS = False

CHECKPOINT = "latest.ckpt"
JOURNAL = "playing.jsonl"


def needs(context: Context) -> tuple[str, ...]:
    """V, M unless it stays at its random start, and the series if they are to tell C's scales."""
    settings = context.config.train_ctrl
    rnn = ("rnn",) if settings.rnn == "trained" else ()
    return ("vae", *rnn, *(("series",) if settings.whiten else ()))


def makes(context: Context) -> str:
    """C."""
    return "ctrl"


def plan(context: Context) -> list[str]:
    """How many episodes, where."""
    settings = context.config.train_ctrl
    _check_settings(context)
    return [
        f"search C for {counted(settings.generations, 'generation')} of {settings.population} "
        f"candidates"
        + (f" in {settings.blocks} blocks" if settings.blocks else "")
        + f", {counted(settings.episodes, 'episode')} each, in the "
        f"{settings.world} world" + (", in whitened coordinates" if settings.whiten else ""),
        f"score the {scored_of(settings.average_generations)} on "
        f"{counted(settings.evaluate_episodes, 'fixed episode')} every "
        f"{counted(settings.evaluate_every, 'generation')}",
    ]


def run(context: Context, artifact: Artifact) -> dict[str, Any]:
    """Search C; writes best.npz and history.jsonl."""
    # What keeps a GPU busy from one process: dreams, and worlds that this process can step itself.
    on_threads = {DREAM, *context.experiment.threaded_worlds}
    kind = context.config.train_ctrl.world
    context.compile_world(kind)
    with context.pool(networks_only=kind in on_threads) as pool:
        return _Search(context, artifact, pool).run()


def check(context: Context) -> None:
    """Where C can be trained, and how, depends on the game; and what it starts from is there."""
    _check_settings(context)
    check_start(context, SECTION, makes(context), CHECKPOINT)


def _check_settings(context: Context) -> None:
    settings, experiment = context.config.train_ctrl, context.experiment
    read_curriculum(settings.curriculum)
    if 0 < settings.max_sigma < settings.sigma:
        raise UsageError(
            f"--max-sigma {settings.max_sigma:g} is below --sigma {settings.sigma:g}, from which "
            f"the search begins."
        )
    if settings.min_sigma > settings.sigma:
        raise UsageError(
            f"--min-sigma {settings.min_sigma:g} is above --sigma {settings.sigma:g}, from which "
            f"the search begins."
        )
    if settings.whiten and settings.hidden:
        raise UsageError(
            f"--whiten is for a linear C: leave it out, or leave out --hidden {settings.hidden}."
        )
    if settings.blocks * 2 > settings.population:
        raise UsageError(
            f"--blocks {settings.blocks} of a population of {settings.population} leaves a block "
            f"with nobody to compare with: give at most {settings.population // 2}."
        )
    if settings.patience and experiment.idle_reward is None:
        raise UsageError(f"--patience has no meaning in {experiment.name}: nothing there is idle.")
    if settings.world == DREAM:
        if not experiment.done_head:
            raise UsageError(
                f"C cannot be trained in the dream of {experiment.name}: its M predicts neither "
                f"reward nor end. Use --world official."
            )
        if settings.rnn != "trained":
            raise UsageError("--rnn random has no dream to train in: use --world official.")
    else:
        experiment.find_world(settings.world, (DREAM,) if experiment.done_head else ())


class _Search:
    """The state of a search, and its loop over generations."""

    def __init__(self, context: Context, artifact: Artifact, pool: Pool) -> None:
        settings: TrainCtrlSettings = context.config.train_ctrl
        self.settings, self.artifact, self.pool = settings, artifact, pool
        self.experiment = context.experiment
        self.root = seeding.derive(context.config.seed, "train-ctrl")
        self.longest = context.experiment.max_steps(context.game)
        self.job = search_job(context)
        self.sizes = self.job.controller
        self.seed_of_rnn = start_seed(context)
        self.checkpointer = Checkpointer(artifact.path / CHECKPOINT)
        self.generation = 0
        self.env_steps = 0
        self.elapsed_s = 0.0
        self.most_s = settings.max_hours * 3600
        self.best = -math.inf  # of the evaluations of the mean
        self.curriculum = Curriculum(settings.curriculum, self.longest)
        self.out_of_time = False
        state = self.checkpointer.load()
        if state is not None:
            self._restore(state)
        else:
            start, earlier = first_mean(context, self.sizes)
            write_jsonl(artifact.path / EARLIER, earlier)
            self.search = CmaEs(
                start,
                settings.population,
                settings.sigma,
                seeding.derive(self.root, "cmaes"),
                diagonal=settings.diagonal,
                min_sigma=settings.min_sigma,
                max_sigma=settings.max_sigma,
                basis=(
                    search_coordinates(context, self.job, self.root) if settings.whiten else None
                ),
                losers=settings.recombination == "all",
            )
            self.average = self.search.mean

    def run(self) -> dict[str, Any]:
        """Search until it is over; returns facts for `done`."""
        folder, settings = self.artifact.path, self.settings
        with (
            Journal(folder / JOURNAL, self.generation) as journal,
            MetricsLog(folder / HISTORY, "generation", self.generation) as log,
            Progress(
                "train-ctrl",
                settings.generations,
                "generation",
                self.generation,
                self.most_s - self.elapsed_s,
            ) as progress,
        ):
            self.journal, self.progress = journal, progress
            if self.generation or journal.elapsed_s:
                progress.say(f"train-ctrl: going on from generation {self.generation}.")
            while not self._is_over():
                row = self._next_generation()
                log.write(row)
                self.checkpointer.save(self._state())
                journal.clear()
                progress.update(1, f"mean {row['mean']:.1f}, best {row['best']:.1f}")
                text = generation_text(row, scored_of(settings.average_generations))
                progress.say(f"generation {row['generation']:,}: {text}")
        if self.best == -math.inf:
            raise WorldModelsError(
                f"{folder} has no agent yet: the search ended before the first evaluation. Give "
                f"more --generations or --max-hours and repeat the command."
            )
        return {
            "generations": self.generation,
            "env_steps": self.env_steps,
            "elapsed_s": round(self.elapsed_s, 2),
            "best_evaluation": self.best,
            "worker_peak_memory_mib": self.pool.peak_memory_mib,
        }

    def _is_over(self) -> bool:
        settings = self.settings
        return (
            self.generation >= settings.generations
            or self.out_of_time
            or self.best >= settings.target_return
        )

    def _next_generation(self) -> dict[str, Any]:
        """Ask, play, tell, and evaluate the mean when its turn has come."""
        self.began = began = time.monotonic() - self.journal.elapsed_s
        settings, number = self.settings, self.generation
        candidates = self.search.ask()
        count = max(settings.blocks, 1)
        blocks = block_of(len(candidates), count)
        dealt = [
            seeding.derive(self.root, "generation", number, episode)
            for episode in range(count * settings.episodes)
        ]
        seeds = [dealt[block * settings.episodes :][: settings.episodes] for block in blocks]
        outcomes = self._play(
            "training", number, candidates, seeds, self._limits(), settings.unit_episodes
        )
        returns = np.array([o.total for o in outcomes]).reshape(len(candidates), -1).mean(1)
        self.search.tell(standings(returns, blocks) if settings.blocks else returns)
        self.generation += 1
        window = settings.average_generations or 1
        self.average = averaged(self.average, self.search.mean, self.generation, window)
        steps = sum(outcome.length for outcome in outcomes)
        self.env_steps += steps
        row = {
            "generation": self.generation,
            "env_steps": self.env_steps,
            "elapsed_s": 0.0,
            "mean": float(returns.mean()),
            "best": float(returns.max()),
            "worst": float(returns.min()),
            "std": float(returns.std()),
            "sigma": self.search.sigma,
            "mean_length": steps / len(outcomes),
            "max_steps": self.curriculum.length,
        }
        self.curriculum.tell(row["mean"])
        training_s = time.monotonic() - began
        elapsed_s = self.elapsed_s + training_s
        self.out_of_time = elapsed_s >= self.most_s
        last = self.generation >= settings.generations or self.out_of_time
        if self.generation % settings.evaluate_every == 0 or last:
            row["evaluation"] = self._evaluate(number)
        self.elapsed_s += time.monotonic() - began
        row["elapsed_s"] = round(self.elapsed_s, 3)
        row["steps_per_s"] = round(steps / training_s, 1)
        return row

    def _evaluate(self, number: int) -> float:
        """Score the (averaged) mean on the fixed episodes, and keep it if none was better."""
        seeds = [
            seeding.derive(self.root, "evaluation", episode)
            for episode in range(self.settings.evaluate_episodes)
        ]
        mean = self.average
        # Far fewer episodes than in training: one batch a unit, so that no worker goes without.
        unit = min(self.settings.unit_episodes, self.settings.slots)
        outcomes = self._play("evaluation", number, mean[np.newaxis], [seeds], Limits(), unit)
        score = float(np.mean([outcome.total for outcome in outcomes]))
        if score > self.best:
            self.best = score
            controller = SavedController(
                parameters=mean.astype(np.float32),
                sizes=self.sizes,
                sample_latent=self.job.sample_latent,
                trained_rnn=self.job.rnn is not None,
                rnn_seed=self.seed_of_rnn,
                score=score,
                generation=self.generation,
            )
            save_controller(self.artifact.path, controller)
        return score

    def _play(
        self,
        phase: str,
        generation: int,
        candidates: np.ndarray,
        seeds: Sequence[Sequence[int]],
        limits: Limits,
        unit_episodes: int,
    ) -> list[Outcome]:
        """The outcomes of candidate i on `seeds[i]`; an interrupted session's are kept."""
        units = cut(candidates, seeds, limits, unit_episodes)
        played = self.journal.units(phase)
        missing = [number for number in range(len(units)) if number not in played]
        results = self.pool.map(self.job, [units[number] for number in missing])
        for number, outcomes in zip(missing, results, strict=True):
            played[number] = outcomes
            elapsed_s = time.monotonic() - self.began
            self.journal.write(generation, phase, number, elapsed_s, outcomes)
            count = sum(map(len, played.values()))
            self.progress.update(
                0, f"{phase} {generation + 1}: {count} of {sum(map(len, seeds))} episodes"
            )
        return [outcome for number in range(len(units)) for outcome in played[number]]

    def _limits(self) -> Limits:
        """Of training episodes; evaluations are played to their end."""
        bounds = [n for n in (self.curriculum.length, self.settings.max_steps) if n]
        return Limits(
            max_steps=min(bounds, default=0),
            patience=self.settings.patience,
            idle_reward=self.experiment.idle_reward or 0.0,
            full_length=min([*bounds, self.longest]),
        )

    def _state(self) -> dict[str, Any]:
        basis = self.search.basis
        return {
            "search": torch.frombuffer(bytearray(self.search.state()), dtype=torch.uint8),
            "average": torch.from_numpy(self.average),
            "basis": None if basis is None else torch.from_numpy(basis),
            "generation": self.generation,
            "env_steps": self.env_steps,
            "elapsed_s": self.elapsed_s,
            "best": self.best,
            "best_training": self.curriculum.best,
            "length": self.curriculum.length,
        }

    def _restore(self, state: dict[str, Any]) -> None:
        saved = state["search"].numpy().tobytes()
        # Searches of older versions have neither.
        basis, average = state.get("basis"), state.get("average")
        self.search = CmaEs.restore(
            saved,
            self.settings.min_sigma,
            self.settings.max_sigma,
            None if basis is None else basis.numpy(),
            self.settings.recombination == "all",
        )
        self.average = self.search.mean if average is None else average.numpy()
        self.generation = state["generation"]
        self.env_steps = state["env_steps"]
        self.elapsed_s = state["elapsed_s"]
        self.best = state["best"]
        self.curriculum.best = state["best_training"]
        self.curriculum.length = state["length"]
        self.out_of_time = self.elapsed_s >= self.most_s
        if len(self.search.mean) != self.sizes.parameters:
            raise WorldModelsError(
                f"{self.artifact.path / CHECKPOINT} is of a controller of {len(self.search.mean)} "
                f"parameters, not {self.sizes.parameters}: remove {self.artifact.path} to start "
                f"afresh."
            )
