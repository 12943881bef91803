"""`wm pack`: put the agent of a run into a small folder that can be passed on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro


@dataclass(frozen=True)
class PackOptions:
    """What to pack, and where to."""

    run: tyro.conf.Positional[Path]
    """Folder of a run with vae, rnn and ctrl."""
    out: Path | None = None
    """Folder for the agent; agent in the run's folder if not given."""
    evaluation: Path | None = None
    """A folder that `wm eval --agent` made of the packed agent: its report is put beside it."""
    debug: bool = False
    """Show the traceback of a failure."""


def pack(argv: Sequence[str]) -> None:
    """Write V and M in half precision, C, and a card."""
    from worldmodels.zoo import pack as packing

    options = tyro.cli(PackOptions, prog="wm pack", args=argv)
    out = options.out or options.run / "agent"
    if options.evaluation is not None:
        packing.add_report(out, options.evaluation)
        print(out / packing.REPORT)
        return
    files = packing.pack(options.run, out)
    size = sum(path.stat().st_size for path in files)
    print(f"{out}: {len(files)} files, {size / 2**20:.1f} MiB. Try it with --agent {out}.")
