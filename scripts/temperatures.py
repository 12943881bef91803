"""The paper's table of temperatures: a C evolved in each dream, scored there and in the game.

    python scripts/temperatures.py doom-laptop --run runs/doom --out scores.json

The run must have V and M. Each C gets a run of its own, RUN-tau-1.15 and so on, which goes on where
it stopped; words behind `--` are handed to `wm train-ctrl`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

TEMPERATURES = (0.10, 0.50, 1.00, 1.15, 1.30)
KEPT = ("episodes", "mean", "std", "low", "high", "minimum", "median", "maximum", "seeds")


def main() -> int:
    """Search and score at every temperature, then write the scores down."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config")
    parser.add_argument("--run", type=Path, required=True, help="has V and M")
    parser.add_argument("--out", type=Path, required=True, help="the scores, as JSON")
    parser.add_argument("--only", type=float, nargs="+", default=TEMPERATURES, metavar="TAU")
    given = sys.argv[1:]
    here = given.index("--") if "--" in given else len(given)
    search = given[here + 1 :]  # argparse would not take options for the search behind its own
    options = parser.parse_args(given[:here])
    for temperature in options.only:
        run = folder(options.run, temperature)
        own = ["--run", str(run), "--inputs-from", str(options.run)]
        tau = ["--temperature", str(temperature)]
        for words in (
            ["train-ctrl", options.config, *own, *tau, *search],
            ["eval", options.config, *own],
            ["eval", options.config, *own, "--dream", *tau],
        ):
            code = subprocess.call([sys.executable, "-m", "worldmodels", *words])
            if code:
                return code
    rows = [row(options.run, t) for t in TEMPERATURES if folder(options.run, t).is_dir()]
    options.out.write_text(json.dumps(rows, indent=2) + "\n")
    return 0


def folder(run: Path, temperature: float) -> Path:
    """The run of the C that was evolved at `temperature`."""
    return run.with_name(f"{run.name}-tau-{temperature:.2f}")


def row(run: Path, temperature: float) -> dict[str, Any]:
    """What the evaluations of one temperature say."""
    reports = {
        "dream": folder(run, temperature) / "eval-dream/report.json",
        "game": folder(run, temperature) / "eval/report.json",
    }
    scores = {name: json.loads(file.read_text()) for name, file in reports.items()}
    return {"temperature": temperature} | {
        name: {key: report[key] for key in KEPT} for name, report in scores.items()
    }


if __name__ == "__main__":
    sys.exit(main())
