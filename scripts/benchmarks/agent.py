"""Row `agent`: the whole loop of CarRacing, V, M and C at the wheel."""

from __future__ import annotations

from benchmarks.measure import Row, in_turns
from benchmarks.part_times import Rule
from benchmarks.references.driver import PlainDriver
from benchmarks.searching import acting_precision, plain_workers, population, searching, time_parts
from benchmarks.workplace import Workplace, changed_config, save_start
from worldmodels.machine import usable_cores

PARTS = (
    Rule("worldmodels/worlds/", "world"),
    Rule("worldmodels/models/bfloat16.py", "V", "__call__"),
    Rule("worldmodels/models/bfloat16.py", "M"),
    Rule("worldmodels/models/encoder.py", "V"),
    Rule("worldmodels/models/rnn.py", "M"),
    Rule("worldmodels/models/controller.py", "C"),
    Rule("worldmodels/experiments/carracing.py", "C", "squash"),
)


def measure(place: Workplace) -> list[Row]:
    """A generation of `wm train-ctrl carracing-first`, with fewer candidates."""
    config = changed_config("carracing-first")
    changes = {"generations": 1, "evaluate_episodes": 1, "max_steps": place.pick(0, 40)}
    changes["blocks"] = 0  # of no influence on the speed, and a few candidates have no blocks
    changes["population"] = population(config, usable_cores())
    # The evaluation that ends every search does not count, and is kept short by the game's limit.
    limit = {"max_episode_steps": place.pick(300, 40)}
    config = changed_config("carracing-first", world=limit, train_ctrl=changes)
    save_start(place.context(config, "base"))
    sizes = config.train_vae.latent, config.train_rnn.hidden
    with (
        searching(place, config) as search,
        plain_workers(PlainDriver(*sizes), seconds=place.pick(3.0, 1.0)) as plain,
    ):
        rates = in_turns(plain, search, rounds=place.pick(5, 2))
    changes["population"] = population(config, 1)
    one_unit = changed_config("carracing-first", world=limit, train_ctrl=changes)
    precision = acting_precision(place, config)
    return [
        Row(
            name="agent",
            subject=f"V, M and C driving, {precision}, fast world, all cores",
            reference="official game, V, M and C one frame at a time, float32, a process a core",
            unit="agent steps/s",
            rates=rates,
            goal="22x, better 30x",
            parts_us=time_parts(place, one_unit, PARTS),
            notes=(f"episodes last {search.last['mean_length']:.0f} steps on average",),
        )
    ]
