"""`wm doctor`: check this installation and this machine."""

from __future__ import annotations

import os
import shutil
import textwrap
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

from worldmodels.errors import UsageError, WorldModelsError
from worldmodels.evolution.pool import SIZE_VARIABLES
from worldmodels.experiment import SHIPPED
from worldmodels.stages.health import disk, games, machine, mpi, packages, processors
from worldmodels.stages.health.finding import Finding, guarded
from worldmodels.tool_options import ToolParser

WIDTH = 100  # characters, where the terminal is as wide


def checks(run: Path) -> dict[str, Callable[[], Finding]]:
    """All checks by name, in the order of the report; `run` is where runs are to be written."""
    return {
        "Python": packages.python_version,
        "packages": packages.dependencies,
        "cores": machine.cores,
        "load": machine.load,
        "memory": machine.memory,
        "run folder": partial(disk.run_folder, run),
        "temporary files": disk.temporary_folder,
        "shared memory": disk.shared_memory,
        "processor": processors.processor,
        "GPU": processors.gpu,
        "MPI": mpi.mpi,
        **{name: partial(games.game, name) for name in SHIPPED},
        "video": packages.video,
        "TensorBoard": packages.tensorboard,
    }


def doctor(argv: list[str]) -> None:
    """Print what each check finds and what to do about it.

    Raises UsageError for an unknown option, and WorldModelsError if a check failed.
    """
    options = _parser().read(argv)
    if options.help:
        return
    if any(int(os.environ.get(name, "1")) > 1 for name in SIZE_VARIABLES):
        raise UsageError("wm doctor starts mpiexec itself: run it without.")
    _report(checks(options.run), options.debug)


def _parser() -> ToolParser:
    parser = ToolParser(
        "doctor",
        "Check this installation and this machine.",
        debug="show the traceback of a crashed check",
    )
    parser.add_argument(
        "--run",
        type=Path,
        default=Path("runs"),
        metavar="DIR",
        help="folder whose disk is looked at; it need not exist (default: runs)",
    )
    return parser


def _report(checks: dict[str, Callable[[], Finding]], debug: bool) -> None:
    """Do the checks, each printed as soon as it is done. Raises WorldModelsError if one failed."""
    findings = {}
    name_width = max(map(len, checks))
    for name, check in checks.items():
        finding = findings[name] = guarded(check, debug)
        print(_lines(name, name_width, finding), flush=True)
    counts = Counter(finding.status for finding in findings.values())
    print(f"\n{len(findings)} checks: {counts['ok']} ok, {counts['warn']} to be aware of, ", end="")
    print(f"{counts['FAIL']} failed.", flush=True)
    failed = [name for name, finding in findings.items() if finding.status == "FAIL"]
    if failed:
        noun = "check" if len(failed) == 1 else "checks"
        raise WorldModelsError(f"{len(failed)} {noun} failed: {', '.join(failed)}.")


def _lines(name: str, name_width: int, finding: Finding) -> str:
    """A check's lines in the report: what was found, and the remedy in a line of its own."""
    label = f"{finding.status:4}  {name:{name_width}}  "
    width = min(WIDTH, shutil.get_terminal_size(fallback=(WIDTH, 24)).columns)
    text = textwrap.fill(
        finding.text,
        max(width, len(label) + 20),
        initial_indent=label,
        subsequent_indent=" " * len(label),
        break_long_words=False,
        break_on_hyphens=False,
    )
    # Not wrapped, so that a command in it can be copied.
    return f"{text}\n{' ' * len(label)}-> {finding.remedy}" if finding.remedy else text
