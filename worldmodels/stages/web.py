"""`wm web`: put the dreams of agents on a page that runs in the browser."""

from __future__ import annotations

import argparse
import errno
import re
from collections.abc import Sequence
from pathlib import Path

from worldmodels.errors import UsageError, WorldModelsError
from worldmodels.stages.agents import ZOO
from worldmodels.stages.dreamers import load_dreamer
from worldmodels.tool_options import ToolParser
from worldmodels.web.onnx_files import require_onnx
from worldmodels.web.runtime import find_runtime
from worldmodels.web.server import HOST, open_server
from worldmodels.web.site import check_out, write_site

PORT = 8000
READ_ONLY = (errno.EACCES, errno.EROFS, errno.EPERM)


def web(argv: list[str]) -> None:
    """Write the page, and serve it if that is asked for. Raises WorldModelsError."""
    options = read_options(argv)
    if options.help:
        return
    runs = _find_runs(options.runs)
    out = options.out or (Path("web") if options.runs == ["zoo"] else runs[0] / "web")
    check_out(out)
    require_onnx()
    port = PORT if options.port is None else options.port
    server = open_server(out, port) if options.serve else None
    runtime = find_runtime(options.runtime)
    names = folder_names(runs)
    dreamers = [
        load_dreamer(run, name, options.inputs_from) for run, name in zip(runs, names, strict=True)
    ]
    try:
        size = write_site(out, dreamers, runtime)
    except OSError as error:
        if error.errno not in READ_ONLY:
            raise
        raise WorldModelsError(
            f"no permission to write at {error.filename}: choose another folder with --out."
        ) from error
    print(f"{out}: {size / 1e6:.1f} MB, for any static web host.", flush=True)
    if server is not None:
        print(f"It is at http://{HOST}:{server.server_port}/ until Ctrl-C.", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            server.server_close()


def read_options(argv: list[str]) -> argparse.Namespace:
    """The command line of `wm web`. Raises UsageError."""
    options = _parser().read(argv)
    if not options.runs and not options.help:
        raise UsageError("wm web needs the folder of a run: `wm web runs/doom`.")
    if options.port is not None and not options.serve:
        raise UsageError("--port has no meaning without --serve.")
    if options.port is not None and not 0 <= options.port < 1 << 16:
        raise UsageError(f"--port must be from 0 to 65535, not {options.port}.")
    return options


def _parser() -> ToolParser:
    parser = ToolParser("web", "Write a static web page in which the dreams of agents run.")
    add = parser.add_argument
    add(
        "runs",
        nargs="*",
        metavar="RUN",
        help="run folder with config.toml, vae/, rnn/ and mostly ctrl/; zoo: the shipped agents",
    )
    add(
        "--inputs-from",
        type=Path,
        metavar="DIR",
        help="a run whose V and M stand in for those that a RUN lacks",
    )
    add("--out", type=Path, metavar="FOLDER", help="where to (default: web in the first RUN)")
    add("--serve", action="store_true", help=f"then serve it at http://{HOST}:{PORT}/")
    add("--port", type=int, metavar="N", help="another port; 0 for any free one")
    add(
        "--runtime",
        type=Path,
        metavar="FOLDER",
        help="an unpacked package of onnxruntime-web, instead of fetching it",
    )
    return parser


def _find_runs(named: Sequence[str]) -> list[Path]:
    """The folders that are meant. Raises UsageError for what is none."""
    shipped = sorted(path.parent for path in ZOO.glob("*/config.toml"))
    if "zoo" in named and not shipped:
        raise UsageError(
            "no trained agent is shipped with this version: name the folder of a run, as in "
            "`wm web runs/doom`."
        )
    meant = [run for name in named for run in (shipped if name == "zoo" else [Path(name)])]
    runs = list({run.resolve(): run for run in meant}.values())  # each once
    for run in runs:
        if not (run / "config.toml").is_file():
            raise UsageError(f"{run} is no run: it has no config.toml.")
    return runs


def folder_names(runs: Sequence[Path]) -> list[str]:
    """What the agents' folders on the page are called: as the runs' are, no two the same."""
    plain = [re.sub(r"[^a-z0-9]+", "-", run.resolve().name.lower()).strip("-") for run in runs]
    return [
        f"{name or 'run'}-{i + 1}" if plain.count(name) > 1 or not name else name
        for i, name in enumerate(plain)
    ]
