"""`wm watch`: follow a run in the terminal."""

from __future__ import annotations

import io
import os
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from worldmodels.errors import UsageError
from worldmodels.report.watch.panel import left, panel, row_line
from worldmodels.report.watch.standing import Standing, read_standing
from worldmodels.tool_options import ToolParser

TAIL = 5  # rows that were logged before, to start with where there is no terminal
FALLBACK = (100, 24)  # columns and lines where there is no terminal


def watch(argv: Sequence[str]) -> None:
    """Show a run's progress, until its stage is finished or Ctrl-C.

    Raises UsageError for a mistake in the command line, and WorldModelsError where there is
    nothing to see or a file is damaged.
    """
    options = _parser().read(argv)
    if options.help:
        return
    if options.run is None:
        raise UsageError("wm watch needs the folder of a run: `wm watch runs/carracing-smoke`.")
    if not options.every > 0:
        raise UsageError(f"--every must be above 0, not {options.every:g}.")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without the chart's characters
    live = sys.stdout.isatty()
    if options.once:
        print("\n".join(_panel(read_standing(options.run), plain=not live)))
        return
    try:
        (_follow_live if live else _follow_lines)(options.run, options.every)
    except KeyboardInterrupt:  # the usual way to leave
        print()


def _follow_live(run: Path, every_s: float) -> None:
    """Draw the panel anew whenever something has changed."""
    shown: list[str] = []
    while True:
        standing = read_standing(run)
        lines = _panel(standing, plain="NO_COLOR" in os.environ)
        if lines != shown:
            back = f"\x1b[{len(shown)}F\x1b[J" if shown else ""
            print(back + "\n".join(lines), flush=True)
            shown = lines
        if standing.finished:
            return
        time.sleep(every_s)


def _follow_lines(run: Path, every_s: float) -> None:
    """Print a line for each row that is new, the last few to start with."""
    folder, last = None, 0
    while True:
        standing = read_standing(run)
        if standing.folder != folder:
            folder, last = standing.folder, standing.rows[-TAIL:][0][standing.unit] - 1
            print(f"{folder}:")
        if standing.count < last:
            print(f"going on from {standing.unit} {standing.count:,}")
            last = standing.count
        new = [row for row in standing.rows if row[standing.unit] > last]
        for row in new:
            print(row_line(standing, row))
        if new or standing.finished:
            print(left(standing), flush=True)
        last = standing.count
        if standing.finished:
            return
        time.sleep(every_s)


def _panel(standing: Standing, plain: bool) -> list[str]:
    columns, lines = shutil.get_terminal_size(FALLBACK)
    return panel(standing, columns, lines, plain)


def _parser() -> ToolParser:
    parser = ToolParser(
        "watch", "Show the progress of a run, until its stage is finished or Ctrl-C."
    )
    parser.add_argument("run", nargs="?", type=Path, metavar="RUN", help="folder of the run")
    parser.add_argument("--once", action="store_true", help="show it once, and do not follow")
    parser.add_argument(
        "--every",
        type=float,
        default=2.0,
        metavar="SECONDS",
        help="how often to look (default: 2)",
    )
    return parser
