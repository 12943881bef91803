"""The command line of a tool: a command that takes no config, and so has no settings as flags."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from worldmodels.errors import UsageError


class ToolParser(argparse.ArgumentParser):
    """The parser of `wm COMMAND`, with --help and --debug; mistakes are the user's sentences."""

    def __init__(self, command: str, what: str, debug: str = "show the traceback of a failure"):
        """`what` and `debug` are the help of the command and of --debug."""
        super().__init__(
            prog=f"wm {command}",
            description=what,
            add_help=False,
            allow_abbrev=False,
            exit_on_error=False,
        )
        self.add_argument("-h", "--help", action="store_true", help="show this text")
        self.add_argument("--debug", action="store_true", help=debug)

    def read(self, argv: Sequence[str]) -> argparse.Namespace:
        """The options; prints the help if that is asked for. Raises UsageError for a mistake."""
        try:
            options, unknown = self.parse_known_args(argv)
        except argparse.ArgumentError as error:
            raise UsageError(f"{error}: see {self.prog} --help.") from error
        if unknown:
            raise UsageError(f"{self.prog} does not know {unknown[0]!r}: see {self.prog} --help.")
        if options.help:
            print(self.format_help(), end="")
        return options
