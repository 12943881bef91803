"""The page as one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template

from worldmodels.report.page.blocks import Section

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Tile:
    """A number that the reader should see first."""

    label: str
    value: str
    note: str = ""

    def html(self) -> str:
        """A div element."""
        label, value, note = escape(self.label), escape(self.value), escape(self.note)
        return f"<div><dt>{label}</dt><dd>{value}<small>{note}</small></dd></div>"


@dataclass(frozen=True)
class Page:
    """A report."""

    title: str
    kicker: str  # above the title
    lead: str  # below it: what and when
    tiles: Sequence[Tile]
    sections: Sequence[Section]

    def html(self) -> str:
        """The whole document."""
        links = "".join(f'<a href="#{s.anchor}">{escape(s.title)}</a>' for s in self.sections)
        return Template((HERE / "page.html").read_text()).substitute(
            title=escape(self.title),
            kicker=escape(self.kicker),
            lead=escape(self.lead),
            style=(HERE / "page.css").read_text(),
            tiles="\n".join(tile.html() for tile in self.tiles),
            links=links,
            sections="\n".join(section.html() for section in self.sections),
        )

    def save_figures(self, folder: Path) -> list[Path]:
        """Write every figure as a file of its own; returns their paths."""
        figures = [figure for section in self.sections for figure in section.figures]
        return [path for figure in figures for path in figure.save(folder)]
