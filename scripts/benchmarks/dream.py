"""Row `dream`: C in M's dream of TakeCover."""

from __future__ import annotations

from pathlib import Path

import torch

from benchmarks.measure import Row, in_turns
from benchmarks.part_times import Rule
from benchmarks.references.dreamer import PlainDreamer
from benchmarks.searching import acting_precision, plain_workers, population, searching, time_parts
from benchmarks.workplace import SEED, Workplace, changed_config, save_start
from worldmodels.data.weights import load_first_latents, load_rnn, save_network
from worldmodels.experiments.doom import EXPERIMENT
from worldmodels.machine import usable_cores
from worldmodels.worlds.dream import DreamWorld

PARTS = (
    Rule("worldmodels/models/bfloat16.py", "head", "predict"),
    Rule("worldmodels/models/bfloat16.py", "M step"),
    Rule("worldmodels/models/rnn.py", "head", "predict"),
    Rule("worldmodels/models/rnn.py", "head", "_read"),
    Rule("worldmodels/models/rnn.py", "M step"),
    Rule("worldmodels/models/mdn.py", "sampling"),
    Rule("worldmodels/models/noise.py", "sampling"),
    Rule("worldmodels/models/controller.py", "C"),
    Rule("worldmodels/evolution/dreaming.py", "C"),
    Rule("worldmodels/experiments/doom.py", "C", "squash"),
)
TYPICAL_LENGTH = 300  # steps of a dream; that of a search's first generations
NEVER = -100.0  # bias of a done head that never fires


def measure(place: Workplace) -> list[Row]:
    """A generation of `wm train-ctrl doom-first`, with fewer candidates."""
    config = changed_config("doom-first")
    changes = {"generations": 1, "evaluate_episodes": 1, "max_steps": place.pick(0, 40)}
    changes["whiten"] = False  # of no influence on the speed, and would need recorded episodes
    changes["population"] = population(config, usable_cores())
    limit = {"max_episode_steps": place.pick(2100, 40)}
    config = changed_config("doom-first", world=limit, train_ctrl=changes)
    _, rnn = save_start(place.context(config, "base"))
    temperature = config.train_ctrl.temperature
    let_dreams_end(rnn, temperature, place.pick(500, 50))
    with (
        searching(place, config) as search,
        plain_workers(PlainDreamer(rnn, temperature), seconds=place.pick(1.5, 0.5)) as plain,
    ):
        rates = in_turns(plain, search, rounds=place.pick(5, 2))
    changes["population"] = population(config, 1)
    few_units = changed_config("doom-first", world=limit, train_ctrl=changes)
    precision = acting_precision(place, config)
    return [
        Row(
            name="dream",
            subject=f"C in M's dream of TakeCover, {precision}, all cores",
            reference="the same dream, one at a time, float32, a process a core",
            unit="dream steps/s",
            rates=rates,
            goal="4x and 25,000/s, better 50,000/s",
            parts_us=time_parts(place, few_units, PARTS),
            notes=(
                f"dreams last {search.last['mean_length']:.0f} steps on average: M's done head is "
                f"at its random start, with a bias that ends one step in {TYPICAL_LENGTH}",
            ),
        )
    ]


@torch.inference_mode()
def let_dreams_end(folder: Path, temperature: float, steps: int) -> None:
    """Give the M in `folder` a done head that fires once in TYPICAL_LENGTH steps.

    At its random start it would fire at once or never. Its bias is moved so that this share of the
    logits in `steps` of 64 dreams is above zero; dreams then last as unequally as real ones.
    """
    rnn = load_rnn(folder, "cpu")
    rnn.head.bias[-1] = NEVER
    dream = DreamWorld(
        rnn,
        load_first_latents(folder),
        EXPERIMENT.action_space(),
        64,
        temperature=temperature,
        max_episode_steps=steps + 1,
        autoreset_mode="Disabled",
    )
    dream.reset(seed=SEED)
    random = torch.Generator().manual_seed(SEED)
    logits = []
    for _ in range(steps):
        dream.step((2 * torch.rand(64, 1, generator=random) - 1).numpy())
        logit = rnn.predict(dream.memory.h).done_logit
        assert logit is not None
        logits.append(logit)
    highest = torch.cat(logits).quantile(1 - 1 / TYPICAL_LENGTH)
    rnn.head.bias[-1] -= highest
    save_network(folder, rnn)
