"""Whether the games really run."""

from __future__ import annotations

import json
import re
import sys

from worldmodels.stages.health.finding import Finding
from worldmodels.stages.health.subprograms import Outcome, attempt

TIMEOUT_S = 60.0
# The shipped games come from different packages.
INSTALL = {
    "carracing": '`pip install "gymnasium[box2d]"`',
    "doom": "`pip install --force-reinstall vizdoom`",
}
# Debian's and Ubuntu's names of the packages that lean installations lack.
SYSTEM_PACKAGES = {
    "libGL.so": "libgl1",
    "libgomp.so": "libgomp1",
    "libopenal.so": "libopenal1",
    "libSDL2": "libsdl2-2.0-0",
    "libstdc++.so": "libstdc++6",
}


def game(name: str) -> Finding:
    """Whether a shipped game starts, moves and draws; it is played in a process of its own."""
    module = "worldmodels.stages.health.short_game"
    # -P: a file named like a module in the current folder must not get in the way.
    return judge(name, attempt([sys.executable, "-P", "-m", module, name], TIMEOUT_S))


def judge(name: str, outcome: Outcome) -> Finding:
    """What the end of the process that played `name` means."""
    if outcome.failure:
        return Finding("FAIL", outcome.failure, _remedy(name, outcome.errors))
    facts = json.loads(outcome.output.splitlines()[-1])
    return Finding(
        "ok",
        f"{facts['title']} draws {facts['shape']} frames, {facts['steps_per_s']:.0f} steps/s; "
        f"it started in {facts['start_s']:.1f} s",
    )


def _remedy(name: str, errors: str) -> str:
    missing = re.search(r"lib[\w+-]+\.so[.\d]*", errors)
    if missing is None or "shared object" not in errors:
        return INSTALL[name]
    library = missing[0]
    for part, package in SYSTEM_PACKAGES.items():
        if library.startswith(part):
            return f"install the system's {library}: `apt-get install {package}`"
    return f"install the system's {library}: `apt-file search {library}` names its package"
