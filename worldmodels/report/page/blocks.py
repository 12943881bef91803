"""What a page is made of: sections of paragraphs, tables, figures and listings."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Protocol

from worldmodels.report.page.charts import Chart
from worldmodels.report.page.strips import Strips


class Markup(str):
    """Text that is HTML already."""


def markup(text: str) -> str:
    """`text` as HTML, special characters escaped unless it is Markup."""
    return text if isinstance(text, Markup) else escape(text)


class Block(Protocol):
    """A part of a section."""

    def html(self) -> str:
        """As HTML."""


@dataclass(frozen=True)
class Paragraph:
    """A few sentences."""

    text: str
    kind: str = ""  # a class of page.css

    def html(self) -> str:
        """A p element."""
        attribute = f' class="{self.kind}"' if self.kind else ""
        return f"<p{attribute}>{markup(self.text)}</p>"


def missing(what: str, command: str) -> Paragraph:
    """Says that `what` is not there, and the command that makes it."""
    text = f"{escape(what)}: <code>{escape(command)}</code> makes it."
    return Paragraph(Markup(text), "missing")


@dataclass(frozen=True)
class Table:
    """Rows of cells under a header; the columns numbered in `numeric` are aligned right."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: Sequence[int] = ()
    strong: Sequence[int] = ()  # numbers of the rows that stand out

    def html(self) -> str:
        """A table element in a box that scrolls where the window is narrow."""
        head = self._row(self.header, "th")
        body = "".join(
            self._row(row, "td", "strong" if number in self.strong else "")
            for number, row in enumerate(self.rows)
        )
        return f'<div class="wide"><table><thead>{head}</thead><tbody>{body}</tbody></table></div>'

    def _row(self, cells: Sequence[str], tag: str, kind: str = "") -> str:
        parts = []
        for number, cell in enumerate(cells):
            attribute = ' class="number"' if number in self.numeric else ""
            parts.append(f"<{tag}{attribute}>{markup(cell)}</{tag}>")
        attribute = f' class="{kind}"' if kind else ""
        return f"<tr{attribute}>{''.join(parts)}</tr>"


@dataclass(frozen=True)
class Illustration:
    """Charts side by side, or strips of frames, above a numbered caption."""

    parts: Sequence[Chart | Strips]
    caption: str

    def html(self) -> str:
        """A figure element."""
        inner = "".join(part.html() for part in self.parts)
        caption = f"<figcaption>{markup(self.caption)}</figcaption>"
        if len(self.parts) == 1 and isinstance(self.parts[0], Chart):
            return f'<figure class="beside">{inner}{caption}</figure>'
        return f'<figure><div class="parts-{len(self.parts)}">{inner}</div>{caption}</figure>'


@dataclass(frozen=True)
class Film:
    """A video that the page carries with it."""

    content: bytes  # of an MP4 file
    caption: str

    def html(self) -> str:
        """A figure element."""
        source = "data:video/mp4;base64," + base64.b64encode(self.content).decode()
        video = f'<video controls loop muted playsinline preload="auto" src="{source}"></video>'
        return f"<figure>{video}<figcaption>{markup(self.caption)}</figcaption></figure>"


@dataclass(frozen=True)
class Listing:
    """Text for a machine: commands, or a config."""

    text: str
    kind: str = ""

    def html(self) -> str:
        """A pre element."""
        return f'<pre class="{self.kind}">{escape(self.text)}</pre>'


@dataclass(frozen=True)
class Section:
    """A chapter of the page."""

    title: str
    blocks: Sequence[Block]

    @property
    def anchor(self) -> str:
        """What links to it name."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")

    @property
    def figures(self) -> list[Chart | Strips]:
        """Everything that can be saved as a file of its own."""
        return [p for block in self.blocks if isinstance(block, Illustration) for p in block.parts]

    def html(self) -> str:
        """A section element."""
        inner = "\n".join(block.html() for block in self.blocks)
        return f'<section id="{self.anchor}">\n<h2>{escape(self.title)}</h2>\n{inner}\n</section>'
