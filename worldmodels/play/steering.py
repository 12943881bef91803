"""Keys that are held become the smooth numbers of an action."""

from __future__ import annotations

from collections.abc import Sequence, Set

import numpy as np
from jaxtyping import Float

from worldmodels.experiment import Lever


class Steering:
    """The levers of a game, and where they stand."""

    def __init__(self, levers: Sequence[Lever]) -> None:
        self._levers = levers
        self.let_go()

    def let_go(self) -> None:
        """All levers are at rest."""
        self._places = np.zeros(len(self._levers))

    def move(self, held: Set[str], seconds: float) -> Float[np.ndarray, " A"]:
        """The action after the directions in `held` were held for some more `seconds`."""
        for i, lever in enumerate(self._levers):
            target = lever.reach * ((lever.plus in held) - (lever.minus in held))
            self._places[i] = _moved(self._places[i], target, lever, seconds)
        return self._places.astype(np.float32)


def _moved(place: float, target: float, lever: Lever, seconds: float) -> float:
    is_pushed = abs(target) > abs(place) and target * place >= 0
    whole_s = lever.rise_s if is_pushed else lever.fall_s
    if whole_s == 0:
        return target
    most = lever.reach * seconds / whole_s
    return place + min(max(target - place, -most), most)
