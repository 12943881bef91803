"""How charts look, and how they get into a page or a file."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from worldmodels.rundir import write_atomic

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Every colour that a chart may have, and the variable of page.css that it becomes in a page.
INK, QUIET, GRID, SOLVED = "#1d232b", "#6b7480", "#e4e7eb", "#2f8f5b"
SERIES = ("#2166ac", "#c8540b", "#7b4ba0", "#0f8a8a", "#b0305c", "#8a6d00", "#4a7a1e", "#5a6b7d")
VARIABLES = {
    INK: "--ink",
    QUIET: "--quiet",
    GRID: "--grid",
    SOLVED: "--solved",
    **{colour: f"--series-{number}" for number, colour in enumerate(SERIES, start=1)},
}
DASHES = (0, (4, 3))  # of a mark
WIDTH_IN, HEIGHT_IN = 5.2, 3.1
DOTS_PER_IN = 220  # of a PNG
FEW = 12  # points of a curve that are marked one by one
LOG_FROM = 8.0  # the ratio of the largest y to the smallest from which an axis may be logarithmic

STYLE: Mapping[str, Any] = {
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": QUIET,
    "axes.linewidth": 0.7,
    "axes.titlesize": 9,
    "axes.titlepad": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.major.size": 3,
    "xtick.minor.size": 0,
    "ytick.major.size": 0,
    "lines.linewidth": 1.7,
    "lines.markersize": 4.5,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "legend.columnspacing": 1.4,
    "legend.borderaxespad": 0,
    "figure.constrained_layout.use": True,
}


@dataclass(frozen=True)
class Chart:
    """A drawing in one pair of axes."""

    name: str  # of its file, and unique in a page
    said: str  # for those who cannot see it
    draw: Callable[[Axes], None]
    height_in: float = HEIGHT_IN

    def html(self) -> str:
        """An SVG element whose texts are texts and whose colours are the page's."""
        bare = {"figure.facecolor": "none", "axes.facecolor": "none", "svg.fonttype": "none"}
        return _for_page(self._drawn("svg", bare).decode(), self.name, self.said)

    def save(self, folder: Path, kinds: Sequence[str] = ("svg", "png")) -> list[Path]:
        """Write NAME.svg and NAME.png, on white; returns their paths."""
        return [self._save(folder / f"{self.name}.{kind}") for kind in kinds]

    def _save(self, path: Path) -> Path:
        content = self._drawn(path.suffix[1:], {})
        write_atomic(path, lambda file: file.write(content))
        return path

    def _drawn(self, kind: str, style: Mapping[str, Any]) -> bytes:
        import matplotlib
        from matplotlib.figure import Figure

        # Any, because matplotlib's types want each name of a setting literally.
        settings: Any = {**STYLE, **style, "svg.hashsalt": self.name}
        with matplotlib.rc_context(settings):
            figure = Figure(figsize=(WIDTH_IN, self.height_in))
            self.draw(figure.add_subplot())
            buffer = io.BytesIO()
            metadata = {"Date": None} if kind == "svg" else None
            figure.savefig(buffer, format=kind, dpi=DOTS_PER_IN, metadata=metadata)
        return buffer.getvalue()


def _for_page(markup: str, name: str, said: str) -> str:
    """Matplotlib's SVG file as an element of a page."""
    markup = markup[markup.index("<svg") :]
    markup = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", markup, flags=re.DOTALL)
    # The same names would mean something else in the page's next chart.
    markup = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", markup)
    for colour, variable in VARIABLES.items():
        markup = markup.replace(colour, f"var({variable})")
    opening = f'<svg class="chart" role="img" aria-label="{escape(said)}" viewBox='
    return re.sub(r"<svg .*?viewBox=", opening, markup, count=1, flags=re.DOTALL).strip()


@dataclass(frozen=True)
class Line:
    """A curve with its name in the legend."""

    label: str
    x: Sequence[float]
    y: Sequence[float]
    colour: str
    dashed: bool = False


def line_chart(
    name: str, said: str, x_label: str, y_label: str, lines: Sequence[Line], log_y: bool = False
) -> Chart:
    """Curves over a common axis; short ones show their points."""

    def draw(axes: Axes) -> None:
        for line in lines:
            axes.plot(
                line.x,
                line.y,
                color=line.colour,
                linestyle="--" if line.dashed else "-",
                marker="o" if len(line.x) <= FEW else None,
                markersize=3.5,
                label=line.label,
            )
        if log_y:
            _use_log(axes, [y for line in lines for y in line.y])
        axes.set_xlabel(x_label)
        axes.set_title(y_label, loc="left")
        axes.margins(x=0.03)
        legend(axes)

    return Chart(name, said, draw)


def _use_log(axes: Axes, values: Sequence[float]) -> None:
    """A logarithmic axis where the values span enough of one to read it."""
    from matplotlib.ticker import LogLocator, NullLocator

    positive = [value for value in values if value > 0]
    if len(positive) == len(values) and max(positive) > LOG_FROM * min(positive):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter("{x:g}")


def legend(axes: Axes, columns: int = 3) -> None:
    """A legend below the axes, where it covers no curve."""
    axes.figure.legend(
        loc="outside lower left", ncols=columns, fontsize=8, labelcolor=INK, handlelength=3
    )
