"""Sharing work between this process, several processes, or the ranks of an MPI job."""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.util
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from worldmodels.device import DeviceName, one_thread, resolve_device
from worldmodels.errors import (
    AFTER_A_DEATH,
    UsageError,
    WorkerError,
    WorldModelsError,
    is_out_of_memory,
)
from worldmodels.machine import peak_memory_mib, usable_cores

Item = TypeVar("Item")
Result = TypeVar("Result")

# What MPICH and Open MPI tell each process that their mpiexec has started.
SIZE_VARIABLES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE")
RANK_VARIABLES = ("PMI_RANK", "OMPI_COMM_WORLD_RANK")


class Job(Protocol):
    """A kind of work: picklable and hashable, with all that a worker must know to do it.

    `open` is called once in each worker and prepares what is expensive (worlds, networks); the
    function that it returns is called for each item. Most workers need no network, and are spared
    the time and the memory that torch takes.
    """

    @property
    def has_networks(self) -> bool:
        """Whether torch computes in this job."""

    def open(self, device: Any) -> Callable[[Any], Any]:
        """Prepare to work on the torch.device `device`, which is None without networks."""


class Pool(Protocol):
    """Workers that do the items of a job."""

    workers: int
    """How many there are."""

    peak_memory_mib: int
    """The most that one of the workers had in use."""

    def map(self, job: Job, items: Sequence[Any]) -> Iterator[Any]:
        """The results, in the order of the items. Raises WorkerError when a worker fails."""


# Prepared work of this process: only ever the latest job's.
_prepared: dict[Job, Callable[[Any], Any]] = {}


@dataclass(frozen=True)
class _Place:
    """Where a worker works."""

    device: DeviceName
    number: int  # among the workers of its host, which share the GPUs


_place = _Place("auto", 0)


def _settle(place: _Place) -> None:
    global _place
    _place = place


def _prepare(job: Job) -> Callable[[Any], Any]:
    """Open a job in this process, on its share of the GPUs.

    Arithmetic has one thread everywhere: a result must not depend on how many workers there are.
    """
    if not job.has_networks:
        return job.open(None)
    import torch

    torch.set_num_threads(1)
    return job.open(resolve_device(_place.device, _place.number))


def _work(job: Job, item: Any) -> tuple[Any, int]:
    """Do one item; the result, and the worker's peak memory in MiB.

    What has a sentence of its own for the user stays as it is: ours, a full disk, too little
    memory. Any other failure becomes a WorkerError with the traceback as text, because tracebacks
    do not survive the way between processes.
    """
    try:
        if job not in _prepared:
            _prepared.clear()
            _prepared[job] = _prepare(job)
        return _prepared[job](item), peak_memory_mib()
    except (WorldModelsError, OSError):
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise MemoryError(str(error)) from error
        said = f"{type(error).__name__}: {error}"
        raise WorkerError(f"a worker failed with {said}\n\n{traceback.format_exc()}") from None


class SerialPool:
    """All work in this process."""

    def __init__(self, device: DeviceName) -> None:
        self.workers = 1
        self.peak_memory_mib = 0
        self._place = _Place(device, 0)

    def map(self, job: Job, items: Sequence[Any]) -> Iterator[Any]:
        """The results, in the order of the items."""
        with one_thread() if job.has_networks else contextlib.nullcontext():
            _settle(self._place)
            for item in items:
                result, self.peak_memory_mib = _work(job, item)
                yield result


class ExecutorPool:
    """Work done by a concurrent.futures executor: processes, or MPI ranks."""

    def __init__(self, executor: Executor, workers: int) -> None:
        self.workers = workers
        self.peak_memory_mib = 0
        self._executor = executor

    def map(self, job: Job, items: Sequence[Any]) -> Iterator[Any]:
        """The results, in the order of the items."""
        try:
            for result, peak_mib in self._executor.map(_work, [job] * len(items), items):
                self.peak_memory_mib = max(self.peak_memory_mib, peak_mib)
                yield result
        except BrokenProcessPool as error:
            raise WorkerError(f"a worker process died without a word {AFTER_A_DEATH}") from error


def count_workers(workers: int) -> int:
    """How many processes `--workers` means: 0 is one for each core. Raises UsageError."""
    if workers < 0:
        raise UsageError(f"--workers {workers}: give a number of processes, or 0 for all cores.")
    return workers or usable_cores()


@contextlib.contextmanager
def process_pool(workers: int, device: DeviceName) -> Iterator[Pool]:
    """A pool in this process for one worker, else of that many processes.

    The processes end with this one, however it ends; Ctrl-C reaches this one alone.
    """
    if workers == 1:
        yield SerialPool(device)
        return
    context = multiprocessing.get_context("spawn")
    numbers = context.Value("i", 0)
    executor = ProcessPoolExecutor(
        workers, mp_context=context, initializer=_start_process, initargs=(device, numbers)
    )
    try:
        yield ExecutorPool(executor, workers)
    except BaseException:
        global _abandoned
        _abandoned = True
        # Nobody waits for the results any more: do not let their makers finish them.
        executor.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    executor.shutdown()


_abandoned = False


def leave_abandoned_workers(code: int) -> None:
    """End this process with exit code `code` if its workers were ended in the middle of their work.

    The interpreter's own end would wait for their queues for ever. What these have in shared
    memory is given back first, or Python warns of a leak.
    """
    if _abandoned:
        finalize: Callable[[int], None] = multiprocessing.util._run_finalizers  # type: ignore
        finalize(0)  # all but those that wait
        os._exit(code)


def _start_process(device: DeviceName, numbers: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with numbers.get_lock():
        number = numbers.value
        numbers.value += 1
    _settle(_Place(device, number))


def _end_with_parent() -> None:
    """Leave as soon as the parent is gone: a killed parent can tell nobody."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def mpi_size() -> int:
    """How many MPI ranks this process is one of; 1 outside mpiexec.

    Raises UsageError where mpiexec and the MPI library of mpi4py are of different makes: then
    every process believes to be alone and would do all the work.
    """
    launched = _launched(SIZE_VARIABLES, 1)
    if launched == 1:
        return 1
    comm = _world()
    if comm.Get_size() != launched:
        raise UsageError(
            f"mpiexec started {launched} processes but mpi4py's MPI library sees "
            f"{comm.Get_size()}: they are of different makes. Use the mpiexec of the same MPI, "
            f"such as the one beside this Python: pip install mpich, then "
            f"{sys.prefix}/bin/mpiexec."
        )
    return launched


def launched_rank() -> int:
    """The number that mpiexec gave this process; 0 outside mpiexec."""
    return _launched(RANK_VARIABLES, 0)


def _launched(names: Iterable[str], default: int) -> int:
    return next((int(os.environ[name]) for name in names if name in os.environ), default)


def _world() -> Any:
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:
        raise UsageError(
            f"mpiexec started this command but no MPI library can be loaded ({error}): install "
            f"one with pip install mpi4py mpich."
        ) from error
    return MPI.COMM_WORLD


@contextlib.contextmanager
def mpi_pool(device: DeviceName) -> Iterator[Pool | None]:
    """A pool of all ranks but the first, on the first; None on the others, once all is done.

    An error on the first rank ends the whole job at once: the others may be in the middle of long
    work that nobody will ask for.
    """
    from mpi4py import MPI
    from mpi4py.futures import MPICommExecutor

    comm = MPI.COMM_WORLD
    local = comm.Split_type(MPI.COMM_TYPE_SHARED).Get_rank()
    if comm.Get_rank() > 0:
        _settle(_Place(device, max(local - 1, 0)))
    with MPICommExecutor(comm, root=0) as executor:
        given: Any = executor  # only the first rank is given one
        yield None if given is None else ExecutorPool(given, comm.Get_size() - 1)


def abort_mpi(code: int) -> None:
    """End every rank of this MPI job with exit code `code`; does nothing outside one."""
    mpi = sys.modules.get("mpi4py.MPI")
    if mpi is None or mpi.COMM_WORLD.Get_size() == 1:
        return
    sys.stdout.flush()
    sys.stderr.flush()
    mpi.COMM_WORLD.Abort(code)


def chunked(items: Sequence[Item], size: int) -> list[Sequence[Item]]:
    """`items` in pieces of `size`, the last one perhaps shorter."""
    return [items[i : i + size] for i in range(0, len(items), size)]
