"""`wm toy`: files, what is said of them, and mistakes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pixels import pixels

from worldmodels import cli
from worldmodels.toys import cma, mdn
from worldmodels.toys.command import TOYS


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Toys that learn little; the current folder is an empty one."""
    monkeypatch.setattr(mdn, "STEPS", 20)
    monkeypatch.setattr(cma, "GENERATIONS", 3)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", TOYS)
def test_file_is_named_in_the_last_line_and_nothing_else_is_written(
    short: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert cli.main(["toy", name]) == 0
    (file,) = short.iterdir()
    assert capsys.readouterr().out.splitlines()[-1] == file.name == TOYS[name].out.name


@pytest.mark.parametrize("name", TOYS)
def test_the_same_seed_draws_the_same_pixels(short: Path, name: str) -> None:
    paths = [short / "new" / f"{i}{TOYS[name].out.suffix}" for i in range(3)]
    for path, seed in zip(paths, ("5", "5", "6"), strict=True):
        assert cli.main(["toy", name, "--out", str(path), "--seed", seed]) == 0
    first, again, other = map(pixels, paths)
    np.testing.assert_array_equal(first, again)
    assert any((a != b).any() for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["mnd"], "there is no toy 'mnd'; did you mean 'mdn'?"),
        ([], "wm toy needs the name of a toy"),
        (["--seed", "1"], "wm toy needs the name of a toy"),
        (["mdn", "--out", "toy.gif"], "must end in .png"),
        (["cma", "--out", "."], "must end in .gif"),
        (["cma", "--out", "folder.gif"], "is a folder"),
        (["mdn", "--sede", "1"], "wm toy mdn does not know '--sede'"),
    ],
)
def test_mistake_is_a_sentence_and_exit_code_2(
    short: Path, capsys: pytest.CaptureFixture[str], argv: list[str], words: str
) -> None:
    (short / "folder.gif").mkdir()
    assert cli.main(["toy", *argv]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("wm: ")
    assert words in line


def test_path_that_cannot_be_written_is_a_sentence_and_exit_code_1(
    short: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (short / "file").touch()
    path = Path("file") / "toy.png"
    assert cli.main(["toy", "mdn", "--out", str(path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"wm: {path} cannot be written")
    assert line.endswith("name another file with --out.")


def test_help_names_every_toy_without_torch_and_matplotlib() -> None:
    code = (
        "import sys; from worldmodels.cli import main; main(['toy', '--help'])\n"
        "assert not {'torch', 'matplotlib'} & sys.modules.keys()"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert all(f"  {name}  " in said for name in TOYS)
