"""Serving the page to this machine alone."""

from __future__ import annotations

import contextlib
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from worldmodels.errors import WorldModelsError

HOST = "127.0.0.1"


def open_server(folder: Path, port: int) -> ThreadingHTTPServer:
    """A server of `folder` at `port`, 0 for any free one. Raises WorldModelsError if it is taken.

    The port is taken at once; `serve_forever` answers on it.
    """
    try:
        return ThreadingHTTPServer((HOST, port), partial(_Handler, directory=str(folder)))
    except OSError as error:
        raise WorldModelsError(
            f"port {port} of {HOST} cannot be opened ({error.strerror}): choose another with "
            f"--port, or 0 for any."
        ) from error


class _Handler(SimpleHTTPRequestHandler):
    """Says what kind each file is whatever this machine's own tables say, and keeps quiet."""

    extensions_map = {  # noqa: RUF012 - the base class has it so
        "": "application/octet-stream",
        ".html": "text/html; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".mjs": "text/javascript; charset=utf-8",
        ".json": "application/json",
        ".png": "image/png",
        ".svg": "image/svg+xml",
        ".txt": "text/plain; charset=utf-8",
    }

    def handle(self) -> None:
        """A visitor who leaves in the middle is none of anybody's business."""
        with contextlib.suppress(ConnectionError):
            super().handle()

    def end_headers(self) -> None:
        """A page that was written anew is loaded anew."""
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Requests are not worth a line."""
