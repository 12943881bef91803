"""Saying so when a world is compiled, which takes a while."""

from __future__ import annotations

import sys

import numpy as np

from worldmodels.worlds.world import World


def warm_up(world: World, name: str) -> None:
    """Take a first step in a world of compiled kernels, and say so if it has to wait for them.

    Without it a window or a progress bar would stand still for no reason to be seen, and every
    worker would compile them for itself.
    """
    from numba.core import event

    class Notice(event.Listener):
        """Speaks when numba finds a kernel that is not on disk yet."""

        is_given = False

        def on_start(self, event: event.Event) -> None:
            if not self.is_given:
                self.is_given = True
                text = f"compiling the {name} world, once, about half a minute"
                print(text, file=sys.stderr, flush=True)

        def on_end(self, event: event.Event) -> None:
            pass

    with event.install_listener("numba:compile", Notice()):
        world.reset(seed=0)
        world.step(np.zeros_like(world.action_space.sample()))
