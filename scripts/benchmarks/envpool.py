"""Row `envpool`: the fast CarRacing against envpool's, on one core."""

from __future__ import annotations

import importlib.util

from benchmarks.measure import Row, in_turns
from benchmarks.racing import EnvpoolRace, FastRace
from benchmarks.workplace import Workplace


def measure(place: Workplace) -> list[Row]:
    """As in the row `world`; envpool's frames stay as they come, 96x96."""
    rates = None
    if importlib.util.find_spec("envpool") is not None:
        steps = place.pick(250, 30)
        rates = in_turns(EnvpoolRace(steps), FastRace(steps), rounds=place.pick(7, 3))
    return [
        Row(
            name="envpool",
            subject="fast CarRacing with frames, one core",
            reference="envpool's CarRacing-v3, one thread, same actions",
            unit="steps/s",
            rates=rates,
            notes=() if rates else ("envpool is not installed: pip install envpool",),
        )
    ]
