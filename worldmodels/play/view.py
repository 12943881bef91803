"""What there is to show of a session at one moment."""

from __future__ import annotations

from dataclasses import dataclass

from worldmodels.report.video import Panel


@dataclass(frozen=True)
class Gauge:
    """A number of the action, to be shown as a bar."""

    name: str
    value: float  # -1 to 1
    is_two_sided: bool


@dataclass(frozen=True)
class View:
    """Pictures, numbers and words."""

    panels: tuple[Panel, ...]  # the first is the large one
    facts: tuple[tuple[str, str], ...]  # name and value
    gauges: tuple[Gauge, ...]
    banner: str  # over the large picture: why nothing moves
    message: str  # what came of the last key
    warning: str  # what is wrong all the time
    is_filmed: bool
    shows_help: bool
