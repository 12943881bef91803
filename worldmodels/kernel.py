"""How a function is compiled to machine code."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from numba import njit

P = ParamSpec("P")
R = TypeVar("R")


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """`function` as machine code that runs without the interpreter's lock.

    No fast-math and hence no fused multiply-add: every operation rounds as it is written, and in
    worlds.fastcar as in Box2D's compiled code. The machine code is kept on disk. Numba renews it
    when the function's own file changes, not when a constant or kernel that it imports does:
    after such an edit delete `__pycache__`.
    """
    # A type checker's import hook may have wrapped the function: compile what is inside.
    compiled: Callable[P, R] = njit(nogil=True, cache=True)(inspect.unwrap(function))
    return compiled
