"""Training curves of V and M."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from worldmodels.report.page.charts import SERIES, Chart, Line, line_chart
from worldmodels.report.progress import METRICS, read_progress

# Name of the number in metrics.jsonl, title of its chart, and whether its axis is logarithmic.
OF_VAE = (
    ("reconstruction", "reconstruction: squared error of a frame, summed over 64x64x3", True),
    ("kl", "KL divergence of a frame, nats", False),
)
OF_RNN = (("latent_nll", "negative log-likelihood of the next z, nats a dimension", False),)
OF_DONE = (("done", "weighted cross-entropy of the end of the episode", True),)


def vae_curves(folders: Sequence[tuple[str, Path]]) -> list[Chart]:
    """V's training in one or more folders, by label; none before its first report."""
    return _curves("vae", folders, OF_VAE)


def rnn_curves(folders: Sequence[tuple[str, Path]], done_head: bool) -> list[Chart]:
    """M's training in one or more folders, by label; none before its first report."""
    return _curves("rnn", folders, OF_RNN + (OF_DONE if done_head else ()))


def _curves(
    artifact: str, folders: Sequence[tuple[str, Path]], wanted: Sequence[tuple[str, str, bool]]
) -> list[Chart]:
    """A chart for each number: trained on and held out for one run, held out for several."""
    names = ["step", *(f"{part}{name}" for name, _, _ in wanted for part in ("", "validation_"))]
    logs = [(label, read_progress(folder / METRICS, names)) for label, folder in folders]
    logs = [(label, rows) for label, rows in logs if rows]
    charts = []
    for name, title, log_y in wanted if logs else ():
        lines = []
        for number, (label, rows) in enumerate(logs):
            colour = SERIES[number % len(SERIES)]
            steps = [row["step"] for row in rows]
            held_out = [row[f"validation_{name}"] for row in rows]
            if len(folders) == 1:
                lines.append(Line("training", steps, [row[name] for row in rows], colour, True))
                lines.append(Line("held-out episodes", steps, held_out, colour))
            else:
                lines.append(Line(label, steps, held_out, colour))
        file_name = f"{artifact}-{name.replace('_', '-')}"
        charts.append(line_chart(file_name, title, "step", title, lines, log_y))
    return charts
