"""The static folder: the page, the runtime it needs, and the agents whose dreams it shows."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from worldmodels.errors import UsageError
from worldmodels.rundir import write_json
from worldmodels.web.dreamer import Dreamer, save_dreamer
from worldmodels.web.runtime import SCRIPT, WASM

PAGE = Path(__file__).parent / "page"
AGENTS = "agents.json"  # also how a folder of our own making is known


def check_out(out: Path) -> None:
    """Raise UsageError unless `out` is free, empty, or a page that was written before."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())) and not (out / AGENTS).is_file():
        raise UsageError(
            f"{out} holds something else than a page of wm web: choose another folder with --out."
        )


def write_site(out: Path, dreamers: Sequence[Dreamer], runtime: Path) -> int:
    """Write the page to `out`, in the place of an earlier one; returns its size in bytes.

    The old page stays until the new one is complete.
    """
    check_out(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    fresh = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    try:
        shutil.copytree(PAGE, fresh)
        add_runtime(fresh / "runtime", runtime)
        facts: list[dict[str, Any]] = [
            save_dreamer(fresh / "agents" / dreamer.name, dreamer) for dreamer in dreamers
        ]
        write_json(fresh / AGENTS, facts)
        if out.exists():
            shutil.rmtree(out)
        fresh.rename(out)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return sum(path.stat().st_size for path in out.rglob("*") if path.is_file())


def add_runtime(folder: Path, runtime: Path) -> None:
    """The script as it is, the program compressed: a quarter of the size on any host."""
    shutil.copyfile(runtime / SCRIPT, folder / SCRIPT)
    packed = gzip.compress((runtime / WASM).read_bytes(), mtime=0)
    (folder / f"{WASM}.gz").write_bytes(packed)
