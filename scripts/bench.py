"""How fast it is: each claim as a ratio to a named reference, timed in turns in the same run.

    python scripts/bench.py                     every row, five to eight minutes on two cores
    python scripts/bench.py dream v-training    only these
    python scripts/bench.py --quick             a minute or two, noisy: to see that it works
    python scripts/bench.py memory --scratch D  peak memory of the stages on 10,000 episodes

It needs no run folder: networks have the paper's sizes and are at their random start, which takes
as long to compute as trained ones. The search alone depends on what was learnt, through the lengths
of its episodes: the rows that search print theirs.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.measure import Row

# Name on the command line -> what is timed. Each is a module of `benchmarks`, imported only when
# its turn comes: this file is read again by every worker process.
ROWS = {
    "world": "the fast CarRacing against the official one, one core",
    "envpool": "the fast CarRacing against envpool's, one core",
    "agent": "V, M and C driving: `wm train-ctrl carracing-first`",
    "dream": "C in M's dream: `wm train-ctrl doom-first`",
    "extract": "episodes to disk: `wm extract carracing-first`",
    "v-training": "training V: `wm train-vae carracing-first`",
    "m-training": "training M: `wm train-rnn` of both games",
    "encode": "frames to latents: `wm encode carracing-first`",
}
MEMORY = "memory"


def main(arguments: Sequence[str]) -> int:
    """Measure what was asked for, print it, and return the exit code."""
    options = _parse(arguments)
    from benchmarks import tables
    from benchmarks.machine_line import machine_line

    machine = machine_line()
    print(f"{machine}\n", file=sys.stderr, flush=True)
    names = options.rows or list(ROWS)
    rows = []
    for name in [name for name in ROWS if name in names]:
        print(f"{name}: {ROWS[name]} ...", file=sys.stderr, flush=True)
        found = _measure(name, options)
        for row in found:  # at once: who stops a long run has something
            print(f"  {tables.summary(row)}", file=sys.stderr, flush=True)
        rows += found
    peaks = []
    if MEMORY in names:
        from benchmarks.memory import measure_memory

        with tempfile.TemporaryDirectory(dir=options.scratch, prefix="bench-") as folder:
            peaks = measure_memory(Path(folder), options.episodes, options.seconds)
    print(
        tables.as_markdown(machine, rows, peaks)
        if options.markdown
        else tables.as_text(machine, rows, peaks),
        end="",
    )
    if options.json is not None:
        options.json.write_text(tables.as_json(machine, rows, peaks))
    return 0


def _measure(name: str, options: argparse.Namespace) -> list[Row]:
    """The rows of one name, in a scratch folder that is gone afterwards."""
    from benchmarks.workplace import Workplace

    module = importlib.import_module(f"benchmarks.{name.replace('-', '_')}")
    with tempfile.TemporaryDirectory(dir=options.scratch, prefix="bench-") as folder:
        rows: list[Row] = module.measure(Workplace(Path(folder), options.device, options.quick))
    return rows


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    lines = [
        *ROWS.items(),
        (MEMORY, "peak memory of every stage; some ten minutes, only when named"),
    ]
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0],
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="rows:\n" + "\n".join(f"  {name:<11} {what}" for name, what in lines),
    )
    parser.add_argument(
        "rows", nargs="*", metavar="ROW", help="what to time; all but memory if none"
    )
    parser.add_argument("--quick", action="store_true", help="short and noisy")
    parser.add_argument("--markdown", action="store_true", help="print a table for the README")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write every number there")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--scratch", type=Path, metavar="DIR", help="where temporary runs go")
    memory = parser.add_argument_group("memory")
    memory.add_argument(
        "--episodes", type=int, nargs="+", default=[1000, 10000], metavar="N", help="data set sizes"
    )
    memory.add_argument(
        "--seconds", type=float, default=300, help="after which train-vae is stopped"
    )
    options = parser.parse_args(arguments)
    known = [*ROWS, MEMORY]
    for row in options.rows:
        if row not in known:
            parser.error(f"there is no row {row!r}: choose among {', '.join(known)}")
    if options.scratch is not None:
        options.scratch.mkdir(parents=True, exist_ok=True)
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
