"""`wm report` on a finished run: everything is on one page, and what is lacking is named."""

from __future__ import annotations

import json
import re
import shutil
import struct
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from conftest import TINY

from worldmodels.cli import main
from worldmodels.config import dump_config, find_config, load_config

VOID = {"meta", "img"}
FIGURES = {
    *("returns", "learning-curve-steps", "learning-curve-hours", "vae-reconstruction", "vae-kl"),
    *("rnn-latent-nll", "rnn-done", "prediction-error"),
}
STRIPS = {"reconstructions", "traversal", "dreams"}


class Tags(HTMLParser):
    """Checks that every element is closed in its turn, and collects the texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""
        self.feed(page)
        assert not self.open

    def handle_starttag(self, tag: str, attributes: object) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def report(*arguments: str | Path) -> int:
    return main(["report", *map(str, arguments)])


@pytest.fixture(scope="module")
def reported(finished_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the page of the finished run, and its figures."""
    folder = tmp_path_factory.mktemp("report")
    assert report(finished_run, "--out", folder / "page.html", "--figures", folder / "figures") == 0
    return folder


@pytest.fixture
def page(reported: Path) -> str:
    return (reported / "page.html").read_text()


@pytest.fixture
def copy(finished_run: Path, tmp_path: Path) -> Path:
    """A run folder of the test's own."""
    return shutil.copytree(finished_run, tmp_path / "copy")


def test_every_artifact_has_its_place(page: str) -> None:
    text = Tags(page).text
    for said in ("Tiny game", "this agent", "95 % interval", "evaluation of the mean", "solved"):
        assert said in text
    for said in ("reconstructed", "z0", "nothing changes", "τ = 1.15", "latent = 4", "wm encode"):
        assert said in text


def test_only_what_is_lacking_is_named(page: str) -> None:
    lacking = re.findall(r'<p class="missing">(.*?)</p>', page)
    assert len(lacking) == 2
    assert "--random --run" in lacking[0]
    assert "--dream --run" in lacking[1]


def test_the_page_needs_nothing_else(page: str) -> None:
    loaded = re.findall(r'(?:src|href)="([^"]*)"|url\(([^)]*)\)|@import (\S+)', page)
    targets = {target for found in loaded for target in found if target}
    assert targets
    assert all(target.startswith(("data:", "#")) for target in targets)
    assert "<script" not in page


def test_every_link_leads_somewhere(page: str) -> None:
    names = re.findall(r'\bid="([^"]+)"', page)
    assert len(names) == len(set(names))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(names)


def test_every_figure_is_saved_as_a_file(reported: Path) -> None:
    names = {path.name for path in (reported / "figures").iterdir()}
    charts = {f"{name}.{kind}" for name in FIGURES for kind in ("svg", "png")}
    assert names == charts | {f"{name}.png" for name in STRIPS}


def test_the_same_run_gives_the_same_page(finished_run: Path, page: str, tmp_path: Path) -> None:
    assert report(finished_run, "--out", tmp_path / "again.html") == 0
    assert (tmp_path / "again.html").read_text() == page


def test_the_page_of_a_run_lies_in_it(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for artifact in ("vae", "rnn", "ctrl", "render"):
        shutil.rmtree(copy / artifact)
    assert report(copy) == 0
    assert capsys.readouterr().out == f"{copy / 'report.html'}\n"
    text = Tags((copy / "report.html").read_text()).text
    for stage in ("train-vae", "train-rnn", "train-ctrl", "render"):
        assert re.search(rf"wm {stage} \S*config.toml --run \S*copy makes it", text)


def test_a_search_that_goes_on_is_shown_as_far_as_it_is(copy: Path) -> None:
    for name in ("episodes", "series", "rnn", "eval"):
        shutil.rmtree(copy / name)
    history = copy / "ctrl" / "history.jsonl"
    history.write_text("".join(history.read_text().splitlines(keepends=True)[:2]) + '{"gen')
    (copy / "ctrl" / "done").unlink()
    assert report(copy) == 0
    text = Tags((copy / "report.html").read_text()).text
    assert "generation 2 of 6 is the last so far" in text
    assert "No score of this agent" in text


def test_artifacts_of_another_run_stand_in(finished_run: Path, copy: Path) -> None:
    for name in ("vae", "series"):
        shutil.rmtree(copy / name)
    assert report(copy, "--inputs-from", finished_run) == 0
    assert "No finished V" not in (copy / "report.html").read_text()


def test_several_runs_are_compared(
    finished_run: Path, copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = load_config(Path(TINY))
    text = dump_config(config).replace("sigma = 0.1", "sigma = 0.25")
    (copy / "config.toml").write_text(text)
    assert report(finished_run, copy) == 0
    text = Tags(Path("report.html").read_text()).text
    assert "2 runs compared" in text
    assert re.search(r"train_ctrl\.sigma\s*0\.1\s*0\.25", text)
    assert "train_ctrl.population" not in text


def test_runs_of_different_games_are_not_compared(
    finished_run: Path, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (copy / "config.toml").write_text(dump_config(load_config(find_config("doom-smoke"))))
    assert report(finished_run, copy, "--out", copy / "page.html") == 2
    assert "compare runs of one game" in capsys.readouterr().err
    assert not (copy / "page.html").exists()


def test_a_run_of_another_game_does_not_stand_in(
    finished_run: Path, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (copy / "config.toml").write_text(dump_config(load_config(find_config("doom-smoke"))))
    assert report(finished_run, "--inputs-from", copy, "--out", copy / "page.html") == 2
    assert "is of doom, not of tiny_game" in sentence(capsys)
    assert not (copy / "page.html").exists()


def sentence(capsys: pytest.CaptureFixture[str]) -> str:
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1, err
    return err


def test_a_folder_that_is_no_run_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(tmp_path) == 2
    assert "holds no run: it has no config.toml" in sentence(capsys)
    assert not list(tmp_path.iterdir())


def test_a_run_without_anything_is_told_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(TINY, tmp_path / "config.toml")
    assert report(tmp_path) == 1
    assert "nothing to show yet: run `wm run" in sentence(capsys)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("environment.json", "{"),
        ("eval/report.json", "{"),
        ("eval/report.json", '{"returns": [], "played_in": "x"}'),
        ("eval/done", "[]"),
        ("ctrl/history.jsonl", "{}\n"),
        ("vae/metrics.jsonl", "?\n?\n"),
        ("ctrl/best.npz", "no archive"),
    ],
)
def test_a_damaged_file_is_named(
    run_with: Callable[..., Path], name: str, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_with("vae", "rnn", "ctrl", "eval")
    shutil.copy(TINY, run / "config.toml")
    (run / name).write_text(content)
    assert report(run) == 1
    said = sentence(capsys)
    assert name in said
    assert "unexpected" not in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "needs the folder of a run"),
        (["{run}", "--colour"], "does not know '--colour'"),
        (["{run}", "--out", "{run}"], "is a folder: name a file"),
        (["{run}", "--inputs-from", "nowhere"], "nowhere holds no run"),
        (["{run}", "--figures", "{run}/config.toml"], "is a file: name a folder"),
    ],
)
def test_a_mistake_is_a_sentence(
    finished_run: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(*(word.format(run=finished_run) for word in arguments)) == 2
    assert said in sentence(capsys)


def test_a_finished_search_is_watched_to_its_end_at_once(
    finished_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["watch", str(finished_run)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "generation 6 of 6: mean" in lines[-2]
    assert lines[-1] == "finished"


def test_the_search_is_in_tensorboard_too(finished_run: Path) -> None:
    events = pytest.importorskip("tensorboard.compat.proto.event_pb2")
    logged: dict[tuple[str, int], float] = {}
    for path in (finished_run / "ctrl" / "tensorboard").iterdir():
        content = path.read_bytes()
        while content:  # records of a length, its checksum, an event, and its checksum
            (length,) = struct.unpack("<Q", content[:8])
            event = events.Event.FromString(content[12 : 12 + length])
            content = content[16 + length :]
            for value in event.summary.value:
                logged[value.tag, event.step] = value.simple_value
    rows = (finished_run / "ctrl" / "history.jsonl").read_text().splitlines()
    assert len(rows) == 6
    for row in map(json.loads, rows):
        number = row.pop("generation")
        for name, value in row.items():
            assert logged[name, number] == pytest.approx(value, rel=1e-6)
