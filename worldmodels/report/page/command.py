"""`wm report`: one HTML page about a run, or a comparison of several."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from worldmodels.errors import UsageError
from worldmodels.rundir import write_text
from worldmodels.tool_options import ToolParser

PAGE = "report.html"


def report(argv: Sequence[str]) -> None:
    """Write the page that the command line asks for.

    Raises UsageError for a mistake in it, and WorldModelsError where a run has nothing to show or
    a file of it is damaged.
    """
    options = _parser().read(argv)
    if options.help:
        return
    if not options.runs:
        raise UsageError("wm report needs the folder of a run: `wm report runs/carracing-smoke`.")
    _write(options.runs, options.inputs_from, options.out, options.figures)


def _write(
    folders: Sequence[Path], inputs_from: Path | None, out: Path | None, figures: Path | None
) -> None:
    """Read the runs, and write their page and its figures."""
    from worldmodels.device import one_thread
    from worldmodels.report.page.comparison import comparison_page
    from worldmodels.report.page.runs import open_run
    from worldmodels.report.page.single import run_page

    runs = [open_run(folder, inputs_from) for folder in folders]
    path = out or (runs[0].folder / PAGE if len(runs) == 1 else Path(PAGE))
    if path.is_dir():
        raise UsageError(f"--out {path} is a folder: name a file, such as {path / PAGE}.")
    if figures is not None and figures.exists() and not figures.is_dir():
        raise UsageError(f"--figures {figures} is a file: name a folder.")
    with one_thread():
        page = run_page(runs[0]) if len(runs) == 1 else comparison_page(runs)
        write_text(path, page.html())
        print(path)
        for saved in page.save_figures(figures) if figures is not None else ():
            print(saved)


def _parser() -> ToolParser:
    parser = ToolParser("report", "Write one HTML page about a run, or a comparison of several.")
    parser.add_argument("runs", nargs="*", type=Path, metavar="RUN", help="folder of a run")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help=f"where to write (default: RUN/{PAGE} of one run, {PAGE} of several)",
    )
    parser.add_argument(
        "--figures", type=Path, metavar="DIR", help="also write each figure as a file, into here"
    )
    parser.add_argument(
        "--inputs-from",
        type=Path,
        metavar="DIR",
        help="a run whose artifacts stand in for those that a RUN lacks",
    )
    return parser
