"""`wm doctor`: what it finds, and what it says about it."""

from __future__ import annotations

import shutil
import sys
import time
from collections import namedtuple
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest
import torch

from worldmodels import cli
from worldmodels.stages import doctor
from worldmodels.stages.health import cgroup, disk, games, machine, mpi, packages, processors
from worldmodels.stages.health.finding import Finding
from worldmodels.stages.health.subprograms import Outcome, attempt

MIB, GIB = 2**20, 2**30
Usage = namedtuple("Usage", "total used free")


def replace_checks(monkeypatch: pytest.MonkeyPatch, **checks: Callable[[], Finding]) -> None:
    monkeypatch.setattr(doctor, "checks", lambda run: checks)


def all_is_well() -> Finding:
    return Finding("ok", "all is well")


def script(path: Path, lines: str) -> str:
    path.write_text(f"#!/bin/sh\n{lines}\n")
    path.chmod(0o755)
    return str(path)


def test_healthy_machine_passes_and_both_games_are_played(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["doctor", "--run", str(tmp_path / "runs")]) == 0
    lines = capsys.readouterr().out.splitlines()
    for game in ("carracing", "doom"):
        (line,) = (line for line in lines if line.split()[1:2] == [game])
        assert line.startswith("ok")
        assert "64x64x3 frames" in line
    assert list(tmp_path.iterdir()) == []


def test_report_fits_100_columns(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    replace_checks(monkeypatch, long=lambda: Finding("ok", "many words " * 50))
    doctor.doctor([])
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 100


def test_failed_check_is_reported_with_its_remedy_and_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    replace_checks(
        monkeypatch,
        engine=lambda: Finding("FAIL", "it does not start", "buy petrol"),
        wheels=all_is_well,
    )
    assert cli.main(["doctor"]) == 1
    said = capsys.readouterr()
    found, remedy, wheels, *_ = said.out.splitlines()
    assert found.split(maxsplit=2) == ["FAIL", "engine", "it does not start"]
    assert remedy.strip() == "-> buy petrol"
    assert wheels.startswith("ok")
    assert said.err == "wm: 1 check failed: engine.\n"


def test_warning_alone_does_not_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    replace_checks(monkeypatch, fuel=lambda: Finding("warn", "low", "refuel"))
    assert cli.main(["doctor"]) == 0


def test_crash_inside_a_check_fails_that_check_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def crash() -> Finding:
        raise ZeroDivisionError("no\nwheels")

    replace_checks(monkeypatch, wheels=crash, engine=all_is_well)
    assert cli.main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "FAIL  wheels  ZeroDivisionError: no wheels\n" in said
    assert "ok    engine" in said


@pytest.mark.parametrize("argv", [["--nonsense"], ["carracing"], ["--run"]])
def test_unknown_option_is_a_usage_mistake(argv: list[str]) -> None:
    assert cli.main(["doctor", *argv]) == 2


def test_help_looks_at_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "checks", None)
    assert cli.main(["doctor", "--help"]) == 0
    assert "--run DIR" in capsys.readouterr().out


def test_under_mpiexec_it_is_a_usage_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PMI_SIZE", "2")
    assert cli.main(["doctor"]) == 2


def test_mpiexec_of_another_make_is_detected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It starts the command twice, as any mpiexec does, but the library hears nothing of it.
    lone = 'shift 2; "$@"; "$@"'
    script(
        tmp_path / "mpiexec",
        f'if [ "$1" = --version ]; then echo "Make-believe MPI 1.0"; else {lone}; fi',
    )
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    nearby = shutil.which("mpiexec", path=str(Path(sys.executable).parent))
    monkeypatch.setattr(mpi, "find_mpiexec", lambda: shutil.which("mpiexec"))
    finding = mpi.mpi()
    if attempt([sys.executable, "-c", mpi.ASK_LIBRARY], 30).failure:
        pytest.skip("no MPI library here")
    assert finding.status == "warn"
    assert "(Make-believe MPI 1.0)" in finding.text
    assert "different makes" in finding.text
    if nearby:
        assert nearby in finding.remedy


def test_open_mpi_that_refuses_root_is_told_how(tmp_path: Path) -> None:
    refusal = 'echo "mpiexec has detected an attempt to run as root." >&2; exit 1'
    finding = mpi.try_launcher(script(tmp_path / "mpiexec", refusal), "Open MPI v4.1.4")
    assert finding.status == "warn"
    assert "OMPI_ALLOW_RUN_AS_ROOT=1" in finding.remedy


def test_missing_mpiexec_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mpi, "find_mpiexec", lambda: None)
    finding = mpi.mpi()
    assert finding.status == "warn"
    assert "worldmodels[mpi]" in finding.remedy


@pytest.mark.parametrize(
    ("said", "make"),
    [
        ("HYDRA build details:\n    Version:                   5.0.2\n    CC: cc\n", "MPICH 5.0.2"),
        ("MPICH Version:      4.2.3\nMPICH Release date: today\n", "MPICH 4.2.3"),
        ("mpiexec (OpenRTE) 4.1.4\n\nReport bugs to\n", "mpiexec (OpenRTE) 4.1.4"),
        ("Open MPI v4.1.4, package: Debian OpenMPI, ident: 4.1.4\n", "Open MPI v4.1.4"),
        ("", "unknown make"),
    ],
)
def test_make_of_an_mpi_is_found_in_its_words(said: str, make: str) -> None:
    assert mpi.first_words(said) == make


@pytest.mark.parametrize(("free", "status"), [(30 * GIB, "ok"), (5 * GIB, "warn"), (MIB, "FAIL")])
def test_disk_of_the_run_folder_is_judged_by_its_free_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, status: str
) -> None:
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda path: Usage(100 * GIB, 0, free))
    finding = disk.run_folder(tmp_path / "not" / "there" / "yet")
    assert finding.status == status
    assert str(tmp_path) in finding.text
    assert ("--run" in finding.remedy) == (status != "ok")


def test_run_folder_below_a_file_fails(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    finding = disk.run_folder(tmp_path / "file" / "run")
    assert finding.status == "FAIL"
    assert "cannot be written to" in finding.text


def test_small_shared_memory_is_a_warning(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(disk, "SHARED_MEMORY", tmp_path)
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda path: Usage(64 * MIB, 0, 10 * MIB))
    finding = disk.shared_memory()
    assert finding.status == "warn"
    assert "10 MiB" in finding.text
    assert "--shm-size" in finding.remedy


def test_missing_package_and_wrong_version_are_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    real = metadata.version

    def version(name: str) -> str:
        if name == "cma":
            raise metadata.PackageNotFoundError(name)
        return "2.0.1+cu118" if name == "torch" else real(name)

    monkeypatch.setattr(packages.metadata, "version", version)
    finding = packages.dependencies()
    assert finding.status == "FAIL"
    assert "cma is missing" in finding.text
    assert "torch 2.0.1+cu118 is not" in finding.text
    assert '"cma>=4"' in finding.remedy


def test_packages_of_the_extras_we_ask_for_are_looked_at() -> None:
    assert "box2d" in packages.dependencies().text


@pytest.mark.parametrize(
    ("cuda", "word"), [(None, "without CUDA"), ("12.6", "built for CUDA 12.6")]
)
def test_gpu_that_pytorch_does_not_see_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cuda: str | None, word: str
) -> None:
    monkeypatch.setattr(processors, "NVIDIA_DRIVER", tmp_path)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.version, "cuda", cuda)
    finding = processors.gpu()
    assert finding.status == "warn"
    assert word in finding.text
    assert finding.remedy


def test_busy_machine_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.os, "getloadavg", lambda: (1000.0, 0.0, 0.0))
    assert machine.load().status == "warn"


def test_limit_of_a_container_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "usable_cores", lambda: 64)
    monkeypatch.setattr(cgroup, "cpu_limit", lambda: 2.5)
    monkeypatch.setattr(cgroup, "memory_limit", lambda: (3 * GIB, 2 * GIB))
    monkeypatch.setattr(machine, "_memory", lambda: (100 * GIB, 90 * GIB))
    cores, memory = machine.cores(), machine.memory()
    assert (cores.status, memory.status) == ("warn", "warn")
    assert "--workers 2" in cores.remedy
    assert "2.0 GiB available of this container's 3.0" in memory.text


def write_tree(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


@pytest.mark.parametrize(
    ("member", "files"),
    [
        pytest.param(
            "0::/job/task\n",
            {
                "job/cpu.max": "150000 100000\n",
                "job/task/cpu.max": "max 100000\n",
                "job/memory.max": "1000\n",
                "job/memory.current": "900\n",
                "job/memory.stat": "anon 1\ninactive_file 300\n",
                "job/task/memory.max": "max\n",
                "job/task/memory.current": "900\n",
            },
            id="version 2, limited above",
        ),
        pytest.param(
            "4:memory:/host/path\n3:cpu,cpuacct:/host/path\n0::/\n",
            {
                "cpu/cpu.cfs_quota_us": "150000\n",
                "cpu/cpu.cfs_period_us": "100000\n",
                "memory/memory.limit_in_bytes": "1000\n",
                "memory/memory.usage_in_bytes": "900\n",
                "memory/memory.stat": "total_inactive_file 300\n",
            },
            id="version 1, seen from inside a container",
        ),
    ],
)
def test_limits_of_control_groups_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, member: str, files: dict[str, str]
) -> None:
    write_tree(tmp_path, {**files, "membership": member})
    monkeypatch.setattr(cgroup, "ROOT", tmp_path)
    monkeypatch.setattr(cgroup, "MEMBERSHIP", tmp_path / "membership")
    assert cgroup.cpu_limit() == 1.5
    assert cgroup.memory_limit() == (1000, 400)


def test_no_control_groups_means_no_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tree(tmp_path, {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"})
    write_tree(tmp_path, {"membership": "1:cpu:/\n"})
    monkeypatch.setattr(cgroup, "ROOT", tmp_path)
    monkeypatch.setattr(cgroup, "MEMBERSHIP", tmp_path / "membership")
    assert cgroup.cpu_limit() is None
    assert cgroup.memory_limit() is None


def test_crashing_engine_is_named_by_its_signal() -> None:
    crash = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    finding = games.judge("doom", attempt([sys.executable, "-c", crash], 30))
    assert finding.status == "FAIL"
    assert "SIGSEGV" in finding.text
    assert "vizdoom" in finding.remedy


def test_hanging_program_is_ended_with_all_that_it_started() -> None:
    began = time.monotonic()
    # The grandchild holds the pipe open: ending the child alone would wait for it.
    outcome = attempt(["/bin/sh", "-c", "sleep 60 & wait"], 0.3)
    assert outcome.failure == "did not end within 0.3 s"
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("library", "word"), [("libGL.so.1", "apt-get install libgl1"), ("libodd.so.3", "apt-file")]
)
def test_missing_system_library_is_named_with_its_package(library: str, word: str) -> None:
    said = f"ImportError: {library}: cannot open shared object file: No such file or directory"
    finding = games.judge("carracing", Outcome(1, "", said, 60))
    assert finding.status == "FAIL"
    assert library in finding.remedy
    assert word in finding.remedy


def test_wrong_game_is_an_error_in_words() -> None:
    finding = games.judge("doom", Outcome(1, "", "noise\nImportError: no engine\n", 60))
    assert finding.text == "ImportError: no engine"
