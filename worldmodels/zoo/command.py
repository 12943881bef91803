"""`wm pack`: put the agent of a run into a small folder that can be passed on."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from worldmodels.errors import UsageError
from worldmodels.tool_options import ToolParser


def pack(argv: Sequence[str]) -> None:
    """Write V and M in half precision, C, and a card."""
    options = read_options(argv)
    if options.help:
        return
    from worldmodels.zoo import pack as packing

    out = options.out or options.run / "agent"
    if options.evaluation is not None:
        packing.add_report(out, options.evaluation)
        print(out / packing.REPORT)
        return
    files = packing.pack(options.run, out, options.inputs_from)
    size = sum(path.stat().st_size for path in files)
    print(f"{out}: {len(files)} files, {size / 2**20:.1f} MiB. Try it with --agent {out}.")


def read_options(argv: Sequence[str]) -> argparse.Namespace:
    """The command line of `wm pack`. Raises UsageError."""
    parser = ToolParser("pack", "Put the agent of a run into a small folder.")
    add = parser.add_argument
    add(
        "run",
        nargs="?",
        type=Path,
        metavar="RUN",
        help="folder of a run with vae, rnn and ctrl",
    )
    add(
        "--out",
        type=Path,
        metavar="DIR",
        help="folder for the agent (default: agent in the run's folder)",
    )
    add(
        "--inputs-from",
        type=Path,
        metavar="DIR",
        help="a run that has what RUN lacks, as it was given to `wm train-ctrl`",
    )
    add(
        "--evaluation",
        type=Path,
        metavar="DIR",
        help="a folder that `wm eval --agent` made of the packed agent: its report is put beside "
        "it",
    )
    options = parser.read(argv)
    if options.run is None and not options.help:
        raise UsageError("wm pack needs the folder of a run: `wm pack runs/doom`.")
    return options
