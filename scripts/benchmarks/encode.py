"""Row `encode`: turning recorded frames into latents."""

from __future__ import annotations

import itertools
import time

from benchmarks.measure import Row, in_turns
from benchmarks.references.encoder import PlainEncoder
from benchmarks.workplace import Workplace, changed_config, record, run_stage, save_start
from worldmodels.data.episodes import load_episode
from worldmodels.machine import usable_cores
from worldmodels.stages import encode

SHARDS_A_CORE = 4


def measure(place: Workplace) -> list[Row]:
    """`wm encode carracing-first` on few episodes, in smaller shards, by workers that stay."""
    cores = usable_cores()
    shard, length = place.pick((4, 250), (1, 60))
    folder = record(place, SHARDS_A_CORE * cores * shard, length)
    config = changed_config("carracing-first", encode={"shard_episodes": shard})
    vae, _ = save_start(place.context(config, "base"))
    plain = PlainEncoder(vae, load_episode(min(folder.glob("*.npz"))).frame)
    numbers = itertools.count()

    def subject() -> float:
        context = place.context(config, f"encoded-{next(numbers)}", pool)
        began = time.perf_counter()
        artifact = run_stage(encode, context)
        return int(artifact.facts["frames"]) / (time.perf_counter() - began)

    with place.context(config, "base").pool(networks_only=True) as pool:
        rates = in_turns(lambda: plain(place.pick(1.5, 0.5)), subject, rounds=place.pick(5, 2))
    return [
        Row(
            name="encode",
            subject="recorded frames to latents on disk, all cores",
            reference="V on one frame at a time, float32, one process, frames in memory",
            unit="frames/s",
            rates=rates,
        )
    ]
