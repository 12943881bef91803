"""The flags of a command that say where and with what to work, beside the settings of its stage."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from worldmodels.device import DeviceName


@dataclass(frozen=True)
class Options:
    """Where and with what to work; nothing here changes a result."""

    run: Path | None = None
    """Folder of the run; runs/CONFIG if not given."""
    device: DeviceName = "auto"
    """auto takes a GPU if there is one."""
    workers: int = 0
    """Processes that share the work; 0 is one for each core. Under mpiexec the ranks share it."""
    dry_run: bool = False
    """Say what would be done, and do nothing."""
    inputs_from: Path | None = None
    """A run folder whose artifacts stand in for those that this run lacks."""
    debug: bool = False
    """Show the traceback of a failure."""


@dataclass(frozen=True)
class TrainingOptions(Options):
    """Where and with what to work; nothing here changes a result."""

    checkpoint_s: float = 60.0
    """Seconds between checkpoints."""


@dataclass(frozen=True)
class AgentOptions(Options):
    """Where and with what to work, and which agent to take up."""

    agent: str | None = None
    """zoo for the shipped agent, or a folder with vae, rnn and ctrl; the run's own if not given."""
