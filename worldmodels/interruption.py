"""Ctrl-C and SIGTERM, which must not get lost.

Python raises KeyboardInterrupt wherever the program happens to be. Inside a callback of compiled
code, such as torch writing a checkpoint, the exception may be printed and dropped. So the wish is
also remembered, and every loop asks for it.
"""

from __future__ import annotations

import signal
import threading
from types import FrameType

_asked = False


def listen() -> None:
    """From now on both signals raise KeyboardInterrupt, and are remembered."""
    global _asked
    _asked = False
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, _stop)
        signal.signal(signal.SIGTERM, _stop)


def raise_if_asked() -> None:
    """Raise KeyboardInterrupt if one was wished for and has got lost."""
    if _asked:
        raise KeyboardInterrupt


def _stop(number: int, frame: FrameType | None) -> None:
    global _asked
    _asked = True
    raise KeyboardInterrupt
