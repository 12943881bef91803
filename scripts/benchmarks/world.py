"""Row `world`: the fast CarRacing against the official one, frames included, on one core."""

from __future__ import annotations

from benchmarks.measure import Row, in_turns
from benchmarks.racing import FastRace, OfficialRace
from benchmarks.workplace import Workplace


def measure(place: Workplace) -> list[Row]:
    """Steps with frames; the tracks are made before the clock starts."""
    steps = place.pick(250, 30)
    fast, official = FastRace(steps), OfficialRace(steps)
    rates = in_turns(official, fast, rounds=place.pick(7, 3))
    return [
        Row(
            name="world",
            subject="fast CarRacing with frames, one core",
            reference="official CarRacing-v3, cropped and resized, one core, same actions",
            unit="steps/s",
            rates=rates,
            goal="80x, better 120x",
        )
    ]
