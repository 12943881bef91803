"""ONNX Runtime Web, which computes the graphs in the browser: fetched once, then kept."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
from pathlib import Path

from worldmodels.errors import UsageError, WorldModelsError
from worldmodels.rundir import write_atomic

PACKAGE = "onnxruntime-web"
VERSION = "1.30.0"
URL = f"https://registry.npmjs.org/{PACKAGE}/-/{PACKAGE}-{VERSION}.tgz"
INTEGRITY = (
    "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
)
SCRIPT = "ort.wasm.bundle.min.mjs"
WASM = "ort-wasm-simd-threaded.wasm"  # runs on one thread where the page is not isolated
TIMEOUT_S = 120


def find_runtime(folder: Path | None) -> Path:
    """A folder with SCRIPT and WASM: in `folder` if it is given, else kept from earlier, or new.

    Raises UsageError if `folder` lacks them, WorldModelsError if they cannot be fetched.
    """
    if folder is not None:
        for place in (folder, folder / "dist", folder / "package" / "dist"):
            if _is_complete(place):
                return place
        raise UsageError(
            f"{folder} does not hold {PACKAGE}: unpack its package there, so that "
            f"{folder / 'dist' / SCRIPT} exists."
        )
    kept = cache_folder()
    if not _is_complete(kept):
        print(f"Fetching {PACKAGE} {VERSION} once, 33 MB ...", file=sys.stderr, flush=True)
        _unpack(_fetch(), kept)
    return kept


def cache_folder() -> Path:
    """Where the runtime is kept for this user."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "worldmodels" / f"{PACKAGE}-{VERSION}"


def _is_complete(folder: Path) -> bool:
    return all((folder / name).is_file() for name in (SCRIPT, WASM))


def _fetch() -> bytes:
    """The package as npm's registry has it, by npm where there is one. Raises WorldModelsError."""
    failures = []
    for source in (_by_npm, _by_url):
        try:
            package = source()
        except (OSError, subprocess.SubprocessError) as error:
            failures.append(str(error).splitlines()[0])
            continue
        if base64.b64encode(hashlib.sha512(package).digest()).decode() == INTEGRITY:
            return package
        failures.append("what came is not the package: its SHA-512 differs")
    raise WorldModelsError(
        f"{PACKAGE} {VERSION} cannot be fetched from npm's registry ({failures[-1]}): unpack the "
        f"package by hand and name its folder with --runtime."
    )


def _by_npm() -> bytes:
    """By the user's own npm, which knows about mirrors and proxies."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["npm", "pack", "--silent", "--pack-destination", folder, f"{PACKAGE}@{VERSION}"],
            check=True,
            capture_output=True,
            timeout=TIMEOUT_S,
        )
        return next(Path(folder).glob("*.tgz")).read_bytes()


def _by_url() -> bytes:
    with urllib.request.urlopen(URL, timeout=TIMEOUT_S) as answer:
        content: bytes = answer.read()
    return content


def _unpack(package: bytes, folder: Path) -> None:
    """The two files that are needed, out of some hundred."""
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        for name in (SCRIPT, WASM):
            member = archive.extractfile(f"package/dist/{name}")
            assert member is not None, name
            _keep(folder / name, member.read())


def _keep(path: Path, content: bytes) -> None:
    write_atomic(path, lambda file: file.write(content))
