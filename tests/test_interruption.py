"""A wish to stop that compiled code has swallowed is raised again."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from worldmodels import interruption
from worldmodels.metrics import Progress


@pytest.fixture(autouse=True)
def listening() -> Iterator[None]:
    old = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    interruption.listen()
    yield
    interruption.listen()
    for number, handler in zip((signal.SIGINT, signal.SIGTERM), old, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_lost_interrupt_is_raised_by_the_next_progress(number: int) -> None:
    with Progress("work", 3, "unit") as progress:
        progress.update()
        with pytest.raises(KeyboardInterrupt):  # here it gets lost
            os.kill(os.getpid(), number)
        with pytest.raises(KeyboardInterrupt):
            progress.update()


def test_listening_anew_forgets_old_wishes() -> None:
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
    interruption.listen()
    interruption.raise_if_asked()
