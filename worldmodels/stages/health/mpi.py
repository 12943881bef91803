"""Whether work can be shared among hosts with MPI."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from worldmodels.stages.health.finding import Finding
from worldmodels.stages.health.subprograms import attempt

TIMEOUT_S = 30.0
# Without MPI_Init, which may hang where the network is odd.
ASK_LIBRARY = """
import mpi4py
mpi4py.rc.initialize = False
from mpi4py import MPI
print(MPI.Get_library_version())
"""
# In brackets, since the outputs of two processes may run into each other.
ASK_SIZE = "from mpi4py import MPI; print(f'<{MPI.COMM_WORLD.Get_size()}>', flush=True)"
ONLY_FOR = "only runs over several hosts need it"
INSTALL = '`pip install mpich`, or the extra: `pip install "worldmodels[mpi]"`'


def mpi() -> Finding:
    """Whether mpiexec starts processes that find each other through mpi4py."""
    launcher = find_mpiexec()
    if launcher is None:
        return Finding("warn", f"there is no mpiexec; {ONLY_FOR}", INSTALL)
    library = attempt([sys.executable, "-c", ASK_LIBRARY], TIMEOUT_S)
    if library.failure:
        text = f"mpi4py can load no MPI library: {library.failure}; {ONLY_FOR}"
        return Finding("warn", text, INSTALL)
    return try_launcher(launcher, first_words(library.output))


def find_mpiexec() -> str | None:
    """The mpiexec beside this Python, else the one on PATH; None if there is none."""
    return shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or shutil.which("mpiexec")


def try_launcher(launcher: str, library: str) -> Finding:
    """Whether two processes that `launcher` starts see each other through `library`."""
    version = attempt([launcher, "--version"], TIMEOUT_S)
    make = first_words(version.output or version.errors)
    outcome = attempt([launcher, "-n", "2", sys.executable, "-c", ASK_SIZE], TIMEOUT_S)
    sizes = re.findall(r"<(\d+)>", outcome.output)
    if sizes == ["2", "2"] and not outcome.failure:
        text = f"{launcher} ({make}) starts processes that find each other through {library}"
        return Finding("ok", text)
    if sizes == ["1", "1"]:
        return Finding(
            "warn",
            f"{launcher} ({make}) and mpi4py's {library} are of different makes: each process "
            f"believes to be alone; {ONLY_FOR}",
            _other_launcher(launcher),
        )
    if "as root" in outcome.errors or "AS_ROOT" in outcome.errors:
        return Finding(
            "warn",
            f"{launcher} ({make}) refuses to run as root; {ONLY_FOR}",
            "`export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1`, "
            "or become another user",
        )
    said = outcome.failure or f"two processes answered {outcome.output!r}"
    return Finding(
        "warn",
        f"{launcher} ({make}) does not work with {library}: {said}; {ONLY_FOR}",
        f"`{launcher} -n 2 {sys.executable} -m mpi4py.bench helloworld` says more",
    )


def first_words(text: str) -> str:
    """Make and version of an MPI, out of what it says of itself."""
    hydra = re.search(r"HYDRA.*?Version:\s+(\S+)", text, re.DOTALL)  # MPICH's launcher
    if hydra:
        return f"MPICH {hydra[1]}"
    line = next((line for line in text.splitlines() if line.strip()), "unknown make")
    return " ".join(line.split(",")[0].replace("Version:", "").split())


def _other_launcher(launcher: str) -> str:
    """How to come by an mpiexec of the right make."""
    beside = Path(sys.executable).parent / "mpiexec"
    if beside.exists() and str(beside) != launcher:
        return f"use the mpiexec beside this Python: `{beside}`"
    return f"use the mpiexec of that library, or `pip install mpich` and then `{beside}`"
