"""What somebody else needs to repeat a run: commands, versions, and the resolved config."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from worldmodels.config import dump_config
from worldmodels.report.page.blocks import Block, Listing, Paragraph, Table
from worldmodels.report.page.runs import Run


def repetition(run: Run) -> Iterator[Block]:
    """Commands, versions and the config, as far as the run has noted them."""
    yield Listing(_commands(run))
    if run.environment:
        yield Table(("environment", ""), _environment(run))
    yield Paragraph("The resolved config: every setting that the stages were last given.", "small")
    yield Listing(dump_config(run.config), "config")


def _commands(run: Run) -> str:
    """The shortest commands that do the same again."""
    again = ("--run", f"runs/{run.name}-again")
    if run.is_shipped:
        return shlex.join(["wm", "run", run.config_name, *again])
    file = f"{run.name}.toml"
    return f"# the config below, saved as {file}\n" + shlex.join(["wm", "run", file, *again])


def _environment(run: Run) -> list[tuple[str, str]]:
    """What environment.json says, a fact a row."""
    noted = run.environment
    command = noted.get("command")
    packages = noted.get("packages")
    rows = []
    if isinstance(command, list) and command:
        program = "wm" if Path(str(command[0])).name in ("wm", "__main__.py") else str(command[0])
        rows.append(("last command", shlex.join([program, *map(str, command[1:])])))
    rows += [
        (name, str(noted[name])) for name in ("machine", "platform", "python") if name in noted
    ]
    if noted.get("commit"):
        rows.append(("commit", str(noted["commit"])))
    if isinstance(packages, dict):
        rows.append(("packages", ", ".join(f"{name} {is_}" for name, is_ in packages.items())))
    return rows
