"""Recorded episodes: what was saved is read, and what is damaged is named."""

from __future__ import annotations

import contextlib
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from worldmodels.data.episodes import (
    Episode,
    EpisodeIndex,
    count_steps,
    episode_path,
    list_episodes,
    load_episode,
    save_episode,
    scan_episodes,
)
from worldmodels.errors import WorldModelsError


def make_episode(steps: int = 2) -> Episode:
    random = np.random.default_rng(steps)
    return Episode(
        frame=np.repeat(random.integers(0, 256, (steps + 1, 1, 1, 3), np.uint8), 64, 1).repeat(
            64, 2
        ),
        action=random.normal(size=(steps, 3)).astype(np.float32),
        reward=random.normal(size=steps).astype(np.float32),
        terminated=True,
        truncated=False,
        seed=2**31 - 1,
    )


def fill(folder: Path, good: int, bad: int) -> None:
    """Record `good + bad` episodes, the first ones damaged."""
    save_episode(folder / "one.npz", make_episode())
    content = (folder / "one.npz").read_bytes()
    (folder / "one.npz").unlink()
    for number in range(good + bad):
        half = len(content) // 2 if number < bad else len(content)
        episode_path(folder, number).write_bytes(content[:half])


def test_an_episode_is_read_as_it_was_saved(tmp_path: Path) -> None:
    episode = make_episode()
    save_episode(tmp_path / "a.npz", episode)
    loaded = load_episode(tmp_path / "a.npz")
    for name in ("frame", "action", "reward"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(episode, name))
    assert (loaded.terminated, loaded.truncated, loaded.seed) == (True, False, 2**31 - 1)


def test_plain_numpy_reads_an_episode_in_the_documented_types(tmp_path: Path) -> None:
    save_episode(tmp_path / "a.npz", make_episode(steps=4))
    with np.load(tmp_path / "a.npz") as archive:
        kinds = {name: (archive[name].dtype, archive[name].shape) for name in archive.files}
    assert kinds == {
        "frame": (np.uint8, (5, 64, 64, 3)),
        "action": (np.float32, (4, 3)),
        "reward": (np.float32, (4,)),
        "terminated": (np.bool_, ()),
        "truncated": (np.bool_, ()),
        "seed": (np.int64, ()),
    }


def test_paths_sort_by_number(tmp_path: Path) -> None:
    paths = [episode_path(tmp_path, number) for number in (0, 9, 10, 99_999)]
    assert paths == sorted(paths)


@pytest.mark.parametrize("content", [b"", b"not a zip file", b"PK\x03\x04"])
def test_a_file_that_is_no_archive_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "000007.npz").write_bytes(content)
    with pytest.raises(WorldModelsError, match=r"000007\.npz is damaged.*wm extract"):
        load_episode(tmp_path / "000007.npz")


def test_an_archive_without_an_array_is_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "000007.npz", frame=np.zeros((1, 64, 64, 3), np.uint8))
    with pytest.raises(WorldModelsError, match=r"000007\.npz is damaged"):
        load_episode(tmp_path / "000007.npz")


def test_a_flipped_byte_anywhere_raises_nothing_but_a_named_error(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    save_episode(path, make_episode())
    content = path.read_bytes()
    named = 0
    for position in [*range(0, len(content), 61), *range(len(content) - 420, len(content), 5)]:
        damaged = bytearray(content)
        damaged[position] ^= 0xFF
        path.write_bytes(damaged)
        count_steps(path)
        with contextlib.suppress(WorldModelsError):
            load_episode(path)
            continue
        named += 1
    assert named > 20


def test_steps_are_counted_without_reading_the_frames(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    save_episode(path, make_episode(steps=4))
    content = bytearray(path.read_bytes())
    content[200:260] = bytes(60)  # within the compressed frames
    path.write_bytes(content)
    assert count_steps(path) == 4


@pytest.mark.parametrize("missing", [1, 30, 400])
def test_a_truncated_file_has_no_steps(tmp_path: Path, missing: int) -> None:
    path = tmp_path / "a.npz"
    save_episode(path, make_episode())
    path.write_bytes(path.read_bytes()[:-missing])
    assert count_steps(path) is None


def test_a_scan_lists_the_good_episodes_in_order(tmp_path: Path) -> None:
    for number, steps in enumerate([3, 1, 2]):
        save_episode(episode_path(tmp_path, number), make_episode(steps))
    index, bad = scan_episodes(tmp_path)
    assert [path.name for path in index.paths] == ["000000.npz", "000001.npz", "000002.npz"]
    assert (index.steps, index.frames, bad) == ((3, 1, 2), 9, ())


@pytest.mark.parametrize("name", ["000001 (1).npz", "1.npz", "notes.npz"])
def test_a_file_that_is_not_named_as_an_episode_is_not_passed_over_in_silence(
    tmp_path: Path, name: str
) -> None:
    save_episode(episode_path(tmp_path, 1), make_episode())
    shutil.copy(episode_path(tmp_path, 1), tmp_path / name)
    for read in (list_episodes, scan_episodes):
        with pytest.raises(WorldModelsError, match=rf"{re.escape(name)}\. Move away what"):
            read(tmp_path)


def test_the_hidden_files_of_other_systems_are_none_of_the_episodes(tmp_path: Path) -> None:
    save_episode(episode_path(tmp_path, 1), make_episode())
    (tmp_path / "._000001.npz").write_bytes(b"of a Mac")
    assert list_episodes(tmp_path) == {1: episode_path(tmp_path, 1)}


def test_episodes_are_listed_by_number_beyond_a_million(tmp_path: Path) -> None:
    for number in (1_000_000, 999_999):
        save_episode(episode_path(tmp_path, number), make_episode())
    assert list(list_episodes(tmp_path)) == [999_999, 1_000_000]


def test_one_damaged_file_in_a_hundred_is_skipped(tmp_path: Path) -> None:
    fill(tmp_path, good=99, bad=1)
    index, bad = scan_episodes(tmp_path)
    assert len(index.paths) == 99
    assert [path.name for path in bad] == ["000000.npz"]


def test_more_than_one_damaged_file_in_a_hundred_is_refused(tmp_path: Path) -> None:
    fill(tmp_path, good=98, bad=2)
    with pytest.raises(WorldModelsError, match=r"2 of 100 .*000000\.npz, 000001\.npz"):
        scan_episodes(tmp_path)


def test_one_damaged_file_in_ten_is_refused(tmp_path: Path) -> None:
    fill(tmp_path, good=9, bad=1)
    with pytest.raises(WorldModelsError, match="1 of 10 episodes"):
        scan_episodes(tmp_path)


def test_a_folder_without_episodes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WorldModelsError, match="wm extract"):
        scan_episodes(tmp_path)


def test_a_split_holds_out_the_last_episodes() -> None:
    index = EpisodeIndex((Path("a"), Path("b"), Path("c")), (1, 2, 3))
    train, held_out = index.split(1)
    assert (train.paths, train.steps) == ((Path("a"), Path("b")), (1, 2))
    assert (held_out.paths, held_out.steps) == ((Path("c"),), (3,))


def test_a_split_that_leaves_nothing_to_train_on_is_refused() -> None:
    index = EpisodeIndex((Path("a"), Path("b")), (1, 2))
    with pytest.raises(WorldModelsError, match="too few to hold out 2"):
        index.split(2)
