"""Run folders: files appear whole, an artifact counts once done, and settings cannot change."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from worldmodels.errors import WorldModelsError
from worldmodels.rundir import Artifact, digest, write_atomic, write_json, write_text

NOTHING: frozenset[str] = frozenset()


@pytest.fixture
def artifact(tmp_path: Path) -> Artifact:
    return Artifact(tmp_path / "run", "vae", "wm train-vae carracing")


def break_off(file) -> None:
    file.write(b"half of the n")
    raise OSError("disk full")


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "old")
    with pytest.raises(OSError, match="disk full"):
        write_atomic(tmp_path / "a", break_off)
    assert (tmp_path / "a").read_text() == "old"


def test_a_write_that_fails_leaves_no_other_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="disk full"):
        write_atomic(tmp_path / "a", break_off)
    assert list(tmp_path.iterdir()) == []


def test_until_a_write_is_complete_the_old_file_is_there(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "old")
    seen = []

    def write(file) -> None:
        file.write(b"new")
        seen.append((tmp_path / "a").read_text())

    write_atomic(tmp_path / "a", write)
    assert (seen, (tmp_path / "a").read_text()) == (["old"], "new")


def test_who_has_the_old_file_open_reads_it_to_its_end(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "old")
    with (tmp_path / "a").open() as reader:
        write_text(tmp_path / "a", "new")
        assert reader.read() == "old"


def test_a_write_makes_the_folders_it_needs(tmp_path: Path) -> None:
    write_text(tmp_path / "b" / "c" / "a", "ä")
    assert (tmp_path / "b" / "c" / "a").read_text(encoding="utf-8") == "ä"


def test_numpy_values_paths_and_dataclasses_become_plain_json(tmp_path: Path) -> None:
    @dataclass
    class Point:
        x: int

    content = {"a": np.float32(0.5), "b": np.arange(2), "c": Path("x"), "d": Point(1)}
    write_json(tmp_path / "a.json", content)
    expected = {"a": 0.5, "b": [0, 1], "c": "x", "d": {"x": 1}}
    assert json.loads((tmp_path / "a.json").read_text()) == expected


def test_a_digest_changes_with_the_content_and_not_with_the_name(tmp_path: Path) -> None:
    for name, text in {"a": "one", "b": "one", "c": "two"}.items():
        write_text(tmp_path / name, text)
    assert digest(tmp_path / "a") == digest(tmp_path / "b") != digest(tmp_path / "c")
    assert len(digest(tmp_path / "a")) == 16


def test_an_artifact_is_done_once_it_is_finished(artifact: Artifact) -> None:
    artifact.begin({"latent": 32}, NOTHING)
    assert not artifact.is_done
    artifact.finish({"latent": 32}, {"loss": 1.5})
    assert artifact.is_done
    assert artifact.facts == {"loss": 1.5, "files": 0, "settings": {"latent": 32}}


def test_an_artifact_that_does_not_exist_names_the_command_that_makes_it(
    artifact: Artifact,
) -> None:
    with pytest.raises(WorldModelsError, match="vae does not exist: run `wm train-vae carracing`"):
        artifact.require()


def test_an_unfinished_artifact_names_the_command_that_makes_it(artifact: Artifact) -> None:
    artifact.begin({}, NOTHING)
    with pytest.raises(WorldModelsError, match="is not finished: run `wm train-vae carracing`"):
        artifact.require()


def test_a_finished_artifact_gives_its_folder(artifact: Artifact) -> None:
    artifact.finish({}, {})
    assert artifact.require() == artifact.path


def test_the_same_settings_reopen_a_finished_artifact_as_it_is(artifact: Artifact) -> None:
    artifact.begin({"latent": 32, "rate": 0.5, "sizes": (1, 2)}, NOTHING)
    artifact.finish({}, {})
    artifact.begin({"latent": 32, "rate": 0.5, "sizes": (1, 2)}, NOTHING)
    assert artifact.is_done


@pytest.mark.parametrize("settings", [{"latent": 64}, {}, {"latent": 32, "other": 1}])
def test_other_settings_are_refused_and_leave_the_artifact_done(
    artifact: Artifact, settings: dict[str, int]
) -> None:
    artifact.begin({"latent": 32}, NOTHING)
    artifact.finish({}, {})
    with pytest.raises(WorldModelsError, match=r"was begun with .*remove the folder"):
        artifact.begin(settings, NOTHING)
    assert artifact.is_done


def test_refused_settings_are_said_with_both_values(artifact: Artifact) -> None:
    artifact.begin({"latent": 32}, NOTHING)
    with pytest.raises(WorldModelsError, match="begun with --latent 32, not with --latent 64"):
        artifact.begin({"latent": 64}, NOTHING)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ({"whiten": True}, {"whiten": False}, "with --whiten, not with --no-whiten:"),
        ({}, {"whiten": True}, "with --no-whiten, not with --whiten:"),
        (
            {},
            {"average_generations": 5},
            "with --average-generations 0, not with --average-generations 5:",
        ),
        ({"bias": True, "hidden": 0}, {"bias": False, "hidden": 8}, "--bias, --hidden 0, not with"),
        ({"start": "zoo"}, {"start": ""}, "with --start zoo, not with --start '':"),
        (
            {"root_seed": 1},
            {"root_seed": 2},
            "seed = 1 in the config, not with seed = 2 in the config:",
        ),
    ],
)
def test_refused_settings_are_said_as_they_are_given(
    artifact: Artifact, old: dict[str, Any], new: dict[str, Any], said: str
) -> None:
    artifact.begin(old, NOTHING)
    with pytest.raises(WorldModelsError, match=said):
        artifact.begin(new, NOTHING)


def test_another_input_is_refused_by_its_name(artifact: Artifact) -> None:
    artifact.begin({"input:episodes": "abc"}, NOTHING)
    with pytest.raises(
        WorldModelsError, match="begun with episodes of fingerprint abc, not with episodes of"
    ):
        artifact.begin({"input:episodes": "def"}, NOTHING)


EPOCHS = frozenset({"epochs"})


@pytest.mark.parametrize(("epochs", "has_all"), [(1, True), (2, True), (3, False)])
def test_an_artifact_has_all_that_is_asked_up_to_its_own_length(
    artifact: Artifact, epochs: int, has_all: bool
) -> None:
    artifact.finish({"latent": 32, "epochs": 2}, {})
    assert artifact.has_all({"latent": 32, "epochs": epochs}, EPOCHS) is has_all


def test_an_artifact_of_other_settings_does_not_have_all(artifact: Artifact) -> None:
    artifact.finish({"latent": 32, "epochs": 2}, {})
    assert not artifact.has_all({"latent": 64, "epochs": 1}, EPOCHS)


def test_an_unfinished_artifact_does_not_have_all(artifact: Artifact) -> None:
    artifact.begin({"latent": 32, "epochs": 2}, EPOCHS)
    assert not artifact.has_all({"latent": 32, "epochs": 2}, EPOCHS)


def test_a_finished_artifact_stays_so_while_it_is_continued(artifact: Artifact) -> None:
    artifact.begin({"latent": 32, "epochs": 1}, EPOCHS)
    artifact.finish({"latent": 32, "epochs": 1}, {})
    artifact.begin({"latent": 32, "epochs": 2}, EPOCHS)
    assert artifact.is_done
    settings = json.loads((artifact.path / "settings.json").read_text())
    assert settings == {"latent": 32, "epochs": 2}


def test_an_artifact_that_has_lost_a_file_is_neither_readable_nor_complete(
    artifact: Artifact,
) -> None:
    artifact.begin({}, NOTHING)
    (artifact.path / "000000.npz").touch()
    (artifact.path / "000001.npz").touch()
    artifact.finish({}, {})
    assert artifact.has_all({}, NOTHING)
    (artifact.path / "000001.npz").unlink()
    assert not artifact.has_all({}, NOTHING)
    with pytest.raises(WorldModelsError, match=r"has only 1 of its 2 files: run `wm train-vae"):
        artifact.require()


def test_a_damaged_record_is_named(artifact: Artifact) -> None:
    artifact.finish({}, {})
    (artifact.path / "done").write_text("{")
    with pytest.raises(WorldModelsError, match="done is damaged"):
        artifact.require()


def test_a_record_of_another_version_is_named(artifact: Artifact) -> None:
    artifact.finish({}, {})
    (artifact.path / "done").write_text('{"wall_s": 1.0}')
    with pytest.raises(WorldModelsError, match="another version: remove it and run"):
        artifact.require()


def test_a_reopened_artifact_is_not_done(artifact: Artifact) -> None:
    artifact.finish({}, {})
    artifact.reopen()
    assert not artifact.is_done


def test_a_locked_artifact_is_refused_to_others(artifact: Artifact) -> None:
    with (
        artifact.locked(),
        pytest.raises(WorldModelsError, match="another process is at work"),
        artifact.locked(),
    ):
        pass


def test_a_lock_ends_with_its_block(artifact: Artifact) -> None:
    for _ in range(2):
        with artifact.locked():
            held = True
    assert held


def test_a_setting_of_a_newer_version_that_is_off_changes_nothing(artifact: Artifact) -> None:
    artifact.begin({"steps": 3}, frozenset())
    artifact.finish({"steps": 3}, {})
    newer = {"steps": 3, "start": "", "bound": 0.0, "diagonal": False}
    assert artifact.has_all(newer, frozenset())
    artifact.begin(newer, frozenset())
    assert not artifact.has_all({**newer, "diagonal": True}, frozenset())
    with pytest.raises(WorldModelsError, match="diagonal"):
        artifact.begin({**newer, "diagonal": True}, frozenset())
