"""The film of `wm toy cma`: a picture of each generation of the search."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from jaxtyping import Float, UInt8
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse, Rectangle

from worldmodels.report.video import save_gif
from worldmodels.toys.cma import GENERATIONS, MINIMUM, POPULATION, Generation, schaffer
from worldmodels.toys.figure import BACKGROUND, ORANGE, QUIET, STYLE, TEXT, pixels

SIZE_IN = (9.0, 6.4)
DOTS_PER_IN = 100
FRAMES_PER_S = 5
LAST_FRAMES = 15  # how often the last picture is shown: time to look at it
SEEN_CENTRE, SEEN_HALF_WIDTH = np.array([3.0, 3.0]), 19.0  # of the map
CLOSE_UP = 3.0  # standard deviations from the mean to the edge of the close-up
GRID = 400  # values of the function along each side of a map
BEST, WORST = "#ffe066", "#6741d9"
RANKS = LinearSegmentedColormap.from_list("ranks", [BEST, "#f76707", "#c2255c", WORST])
# Few heights, as on a map, because a GIF of many is large.
HEIGHTS = LinearSegmentedColormap.from_list("heights", [BACKGROUND, "#2b3a55", "#5f7399"], N=10)


def film(generations: Sequence[Generation], path: Path) -> None:
    """Write the search as a GIF with one frame a generation."""
    with matplotlib.rc_context(STYLE):
        stage = _Stage()
        pictures = [stage.picture(generations[: i + 1]) for i in range(len(generations))]
    # Equal pictures become one frame of the GIF, shown for as long as all of them.
    save_gif(path, pictures + pictures[-1:] * LAST_FRAMES, FRAMES_PER_S, max_width=900)


def principal_axes(
    covariance: Float[np.ndarray, "2 2"],
) -> tuple[Float[np.ndarray, " 2"], float]:
    """Standard deviations along the longer and the shorter axis, and the longer one's angle.

    The angle is counted in degrees, anticlockwise from the first coordinate.
    """
    variances, directions = np.linalg.eigh(covariance)
    longer = directions[:, 1]
    return np.sqrt(variances[::-1]), float(np.degrees(np.arctan2(longer[1], longer[0])))


class _Stage:
    """A figure that is built once and changed from picture to picture."""

    def __init__(self) -> None:
        self._figure = Figure(SIZE_IN)
        grid = self._figure.add_gridspec(2, 2, height_ratios=(3.2, 1))
        self._whole = _Map(self._figure.add_subplot(grid[0, 0]))
        self._close_up = _Map(self._figure.add_subplot(grid[0, 1]))
        self._whole.look_at(SEEN_CENTRE, SEEN_HALF_WIDTH)
        self._whole.explain()
        self._window = Rectangle((0, 0), 0, 0, fill=False, edgecolor=QUIET, linewidth=0.9)
        self._whole.axes.add_patch(self._window)
        self._curves = self._figure.add_subplot(grid[1, :])
        (self._best,) = self._curves.plot([], [], color=ORANGE, linewidth=2, label="best so far")
        (self._mean,) = self._curves.plot([], [], color=QUIET, linewidth=1.4, label="mean")
        self._set_curves()
        pixels(self._figure, DOTS_PER_IN)
        self._figure.set_layout_engine("none")  # from now on nothing moves that need not

    def picture(self, generations: Sequence[Generation]) -> UInt8[np.ndarray, "H W 3"]:
        """The last of `generations`, which are all so far."""
        now = generations[-1]
        half_width = CLOSE_UP * float(principal_axes(now.covariance)[0][0])
        self._close_up.look_at(now.mean, half_width)
        left, lower = map(float, now.mean - half_width)
        self._window.set_bounds(left, lower, 2 * half_width, 2 * half_width)
        self._whole.show(generations)
        self._close_up.show(generations)
        evaluations = POPULATION * np.arange(1, len(generations) + 1)
        best = np.minimum.accumulate([generation.values.min() for generation in generations])
        self._best.set_data(evaluations, best)
        self._mean.set_data(evaluations, [generation.values.mean() for generation in generations])
        self._whole.axes.set_title(f"generation {len(generations)}")
        self._close_up.axes.set_title(f"close-up, {2 * half_width:.2g} wide")
        self._curves.set_title(f"best value {best[-1]:.4f} after {evaluations[-1]:,} evaluations")
        return pixels(self._figure, DOTS_PER_IN)

    def _set_curves(self) -> None:
        axes = self._curves
        axes.set_yscale("log")
        axes.set_ylim(5e-3, 20)
        axes.set_yticks([0.01, 0.1, 1, 10], ["0.01", "0.1", "1", "10"])
        axes.yaxis.minorticks_off()
        axes.set_xlim(0, GENERATIONS * POPULATION)
        axes.set_xlabel("evaluations", labelpad=1)
        axes.set_title(" ")
        axes.legend(loc="lower left")


class _Map:
    """The function from above, with the search in it."""

    def __init__(self, axes: Axes) -> None:
        self.axes = axes
        axes.set_title(" ")
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_visible(False)
        self._heights = axes.imshow(np.zeros((GRID, GRID)), cmap=HEIGHTS, origin="lower")
        (self._minimum,) = axes.plot(*MINIMUM, "+", color=TEXT, markersize=12, markeredgewidth=1.4)
        (self._path,) = axes.plot([], [], "-", color=TEXT, linewidth=1.2, alpha=0.8)
        self._ellipses = [
            Ellipse((0, 0), 0, 0, fill=False, edgecolor=TEXT, linewidth=width)
            for width in (1.8, 0.9)
        ]
        for ellipse in self._ellipses:
            axes.add_patch(ellipse)
        self._candidates = axes.scatter(
            np.zeros(POPULATION),
            np.zeros(POPULATION),
            c=np.linspace(1, 0, POPULATION),
            cmap=RANKS,
            s=28,
            edgecolors=BACKGROUND,
            linewidths=0.6,
            zorder=3,
        )

    def look_at(self, centre: Float[np.ndarray, " 2"], half_width: float) -> None:
        """Draw the function `half_width` to each side of `centre`."""
        steps = np.linspace(-half_width, half_width, GRID)
        values = schaffer(centre + np.stack(np.meshgrid(steps, steps), axis=-1))
        (left, lower), (right, upper) = centre - half_width, centre + half_width
        self._heights.set_data(values)
        self._heights.set_clim(values.min(), values.max())
        self._heights.set_extent((left, right, lower, upper))
        self.axes.set_xlim(left, right)
        self.axes.set_ylim(lower, upper)

    def show(self, generations: Sequence[Generation]) -> None:
        """Draw the last of `generations`, and the way to it."""
        now = generations[-1]
        worst_first = np.argsort(-now.values)  # the best is drawn last, above the others
        self._candidates.set_offsets(now.candidates[worst_first])
        self._path.set_data(*np.array([generation.mean for generation in generations]).T)
        deviations, angle = principal_axes(now.covariance)
        for number, ellipse in enumerate(self._ellipses, start=1):
            ellipse.set_center((float(now.mean[0]), float(now.mean[1])))
            ellipse.set_width(2 * number * float(deviations[0]))
            ellipse.set_height(2 * number * float(deviations[1]))
            ellipse.set_angle(angle)

    def explain(self) -> None:
        """Add a legend."""
        (best,) = self.axes.plot([], [], "o", color=BEST)
        (worst,) = self.axes.plot([], [], "o", color=WORST)
        self.axes.legend(
            [best, worst, self._ellipses[0], self._path, self._minimum],
            [
                "best candidate",
                "worst candidate",
                "1 and 2 σ",
                "path of the mean",
                "minimum",
            ],
            loc="lower right",
            frameon=True,
            facecolor=BACKGROUND,
            edgecolor="none",
            framealpha=0.75,
            borderaxespad=0.6,
        )
