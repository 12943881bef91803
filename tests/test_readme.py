"""What the README tells people to type exists and is understood."""

from __future__ import annotations

import re
import shlex
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from PIL import Image

from worldmodels.cli import OTHERS, STAGES, TOOLS, main

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```bash\n(.*?)```", README, flags=re.DOTALL)
LINES = [line.split(" #")[0].strip() for block in BLOCKS for line in block.splitlines()]
WM = sorted({line[line.index("wm ") :] for line in LINES if re.match(r"(mpiexec .*)?wm ", line)})
SCRIPTS = sorted({line.split()[1] for line in LINES if line.startswith("bash ")})


def test_readme_shows_commands() -> None:
    assert len(WM) > 10
    assert {"scripts/demo.sh", "scripts/test.sh"} <= set(SCRIPTS)


@pytest.mark.parametrize("line", WM)
def test_command_is_understood(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = shlex.split(line)[1:]
    for flag, value in pairwise(arguments):
        if flag == "--inputs-from":
            Path(value).mkdir(parents=True)
    there = set(tmp_path.rglob("*"))
    if arguments[0] in STAGES or arguments[0] in ("run", "play"):
        arguments.append("--dry-run")
        if "cuda" in arguments and not torch.cuda.is_available():
            arguments[arguments.index("cuda")] = "cpu"
    elif arguments[0] in TOOLS:  # what they work on is not there: only the flags are read
        arguments.append("--help")
    if "--help" in arguments and arguments[0] in STAGES:  # tyro leaves by itself
        with pytest.raises(SystemExit, match="0"):
            main(arguments)
    else:
        assert main(arguments) == 0, capsys.readouterr().err
    assert set(tmp_path.rglob("*")) == there


@pytest.mark.parametrize("script", SCRIPTS)
def test_script_exists_and_is_valid_bash(script: str) -> None:
    subprocess.run(["bash", "-n", str(ROOT / script)], check=True)


def test_pictures_are_there_and_can_be_opened() -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert len(pictures) >= 4
    for picture in pictures:
        with Image.open(ROOT / picture) as image:
            image.verify()


def test_every_command_is_explained() -> None:
    for name in [*STAGES, *OTHERS, *TOOLS]:
        assert f"`wm {name}" in README, name
