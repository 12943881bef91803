"""The table of scores, each with a picture of its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from worldmodels.experiment import Experiment
from worldmodels.report.page.blocks import Markup, Table
from worldmodels.report.statistics import Summary
from worldmodels.report.tables import measured, published, solved

HEADER = ("", "episodes", "mean ± sd", "95 % interval", "", "source")
WIDTH, HEIGHT = 220, 16  # of the picture in a row


@dataclass(frozen=True)
class _Picture:
    """Where a score lies on the scale that all rows share."""

    mean: float
    spread: float
    low: float | None  # 95 % interval
    high: float | None


def results_table(experiment: Experiment, scores: Sequence[tuple[str, Summary]]) -> Table:
    """The measured `scores` above the published ones."""
    ours = [_Picture(s.mean, s.std, s.low, s.high) for _, s in scores]
    others = [_Picture(s.mean, s.spread or 0.0, None, None) for s in experiment.scores]
    edges = [experiment.solved]
    for picture in [*ours, *others]:
        edges += [picture.mean - picture.spread, picture.mean + picture.spread]
    scale = (min(edges), max(edges))
    rows = []
    for (name, summary), picture in zip(scores, ours, strict=True):
        _, *cells = measured(name, summary)[:4]
        rows.append(
            (
                name,
                *map(_typeset, cells),
                _drawn(picture, scale, experiment.solved, "ours"),
                "this run",
            )
        )
    for score, picture in zip(experiment.scores, others, strict=True):
        name, episodes, mean, source = published(score)
        drawn = _drawn(picture, scale, experiment.solved, "others")
        rows.append((name, episodes, _typeset(mean), "", drawn, source))
    name, episodes, mean, source = solved(experiment)
    rows.append((name, episodes, mean, "", "", source))
    return Table(HEADER, rows, numeric=(1, 2, 3), strong=range(len(scores)))


def _typeset(number: str) -> str:
    """With a minus sign in place of a hyphen."""
    return number.replace("-", "−")


def _drawn(picture: _Picture, scale: tuple[float, float], mark: float, kind: str) -> Markup:
    """A dot with its standard deviation as a thin line and its interval as a thick one."""

    def x(value: float) -> str:
        share = (value - scale[0]) / (scale[1] - scale[0] or 1)
        return f"{4 + share * (WIDTH - 8):.1f}"

    y = HEIGHT / 2
    parts = [f'<line class="mark" x1="{x(mark)}" x2="{x(mark)}" y1="0" y2="{HEIGHT}"/>']
    if picture.spread:
        left, right = x(picture.mean - picture.spread), x(picture.mean + picture.spread)
        parts.append(f'<line x1="{left}" x2="{right}" y1="{y}" y2="{y}"/>')
    if picture.low is not None and picture.high is not None:
        left, right = x(picture.low), x(picture.high)
        parts.append(f'<line class="interval" x1="{left}" x2="{right}" y1="{y}" y2="{y}"/>')
    parts.append(f'<circle cx="{x(picture.mean)}" cy="{y}" r="3"/>')
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true"'
    return Markup(f'<svg class="whisker {kind}" {size}>{"".join(parts)}</svg>')
