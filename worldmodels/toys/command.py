"""`wm toy`: one of the ideas behind M and C, on a problem small enough to be seen."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from worldmodels.config import nearest
from worldmodels.errors import UsageError, WorldModelsError
from worldmodels.tool_options import ToolParser


@dataclass(frozen=True)
class Toy:
    """What there is to be seen."""

    what: str
    out: Path  # where it is written to by default; its suffix is the only one allowed
    show: Callable[[Path, int], str]  # draws into a file with a seed; what there is to say of it


def toy(argv: Sequence[str]) -> None:
    """Show a toy, draw it into a file, and print what has come out.

    Raises UsageError for an unknown toy or option, and WorldModelsError if the file cannot be
    written.
    """
    if argv and argv[0] in ("-h", "--help"):
        print(_overview(), end="")
        return
    if not argv or argv[0].startswith("-"):
        raise UsageError("wm toy needs the name of a toy: `wm toy mdn` or `wm toy cma`.")
    name = argv[0]
    if name not in TOYS:
        raise UsageError(f"there is no toy {name!r}{nearest(name, TOYS)} See wm toy --help.")
    options = parse(name, argv[1:])
    if options.help:
        return
    try:
        said = TOYS[name].show(options.out, options.seed)
    except OSError as error:
        raise WorldModelsError(
            f"{options.out} cannot be written ({error.strerror or error}): name another file with "
            f"--out."
        ) from error
    print(f"{said}\n{options.out}", flush=True)


def parse(name: str, argv: Sequence[str]) -> argparse.Namespace:
    """The options of the toy `name`. Raises UsageError."""
    toy = TOYS[name]
    parser = ToolParser(f"toy {name}", f"Show {toy.what}.")
    parser.add_argument(
        "--out",
        type=Path,
        default=toy.out,
        metavar="FILE",
        help="file that is written, or replaced (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=1,
        metavar="N",
        help="the same seed draws the same picture (default: %(default)s)",
    )
    options = parser.read(argv)
    if options.out.suffix != toy.out.suffix:
        raise UsageError(f"--out {options.out}: the name of the file must end in {toy.out.suffix}.")
    if options.out.is_dir():
        raise UsageError(f"--out {options.out} is a folder: name a file in it.")
    return options


def _overview() -> str:
    toys = "\n".join(f"  {name}  {toy.what}" for name, toy in TOYS.items())
    return f"""Two ideas of World Models, each on a problem small enough to be seen.

usage: wm toy NAME [--out FILE] [--seed N]

{toys}

`wm toy NAME --help` lists the flags with their defaults.
"""


def _show_mdn(path: Path, seed: int) -> str:
    from worldmodels.device import one_thread
    from worldmodels.toys import mdn, mdn_picture

    with one_thread():
        lesson = mdn.teach(seed)
        mdn_picture.draw(lesson, seed, path)
    return textwrap.dedent(f"""\
        The inverse of x = y + 0.3 sin(2 pi y) + noise, learnt from {mdn.POINTS:,} points.
        Negative log-likelihood of {mdn.HELD_OUT:,} others, in nats:
          regression, a Gaussian around it  {lesson.regression_nll:6.3f}
          mixture of {mdn.COMPONENTS} Gaussians           {lesson.nll:6.3f}
          the truth                         {lesson.true_nll:6.3f}""")


def _show_cma(path: Path, seed: int) -> str:
    from worldmodels.toys import cma, cma_film

    generations = cma.search(seed)
    cma_film.film(generations, path)
    candidates = [candidate for g in generations for candidate in g.candidates]
    values = [value for g in generations for value in g.values]
    best = candidates[values.index(min(values))]
    return textwrap.dedent(f"""\
        CMA-ES on Schaffer's function, whose minimum is 0 at {_point(cma.MINIMUM, 0)}.
        Best value {min(values):.2g} at {_point(best, 4)},
        after {len(values):,} evaluations in {len(generations)} generations.""")


def _point(place: Iterable[float], digits: int) -> str:
    return f"({', '.join(f'{value:.{digits}f}' for value in place)})"


TOYS = {
    "mdn": Toy(
        "a mixture against a regression, where y has several answers to one x",
        Path("toy-mdn.png"),
        _show_mdn,
    ),
    "cma": Toy(
        "CMA-ES at work on a function with many local minima", Path("toy-cma.gif"), _show_cma
    ),
}
