"""Archives: plain NumPy reads them, they can be mapped, and equal content gives equal bytes."""

from __future__ import annotations

import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from worldmodels.data.archive import map_npz, save_npz

ARRAYS = {
    "frame": np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8),
    "mean": np.linspace(-1, 1, 40).astype(np.float16).reshape(10, 4),
    "flag": np.array(True),
    "none": np.zeros((0, 5), np.float32),
}


@pytest.mark.parametrize("compress", [False, True])
def test_plain_numpy_reads_an_archive(tmp_path: Path, compress: bool) -> None:
    save_npz(tmp_path / "a.npz", ARRAYS, compress)
    with np.load(tmp_path / "a.npz", allow_pickle=False) as archive:
        assert set(archive.files) == set(ARRAYS)
        for name, array in ARRAYS.items():
            assert archive[name].dtype == array.dtype
            np.testing.assert_array_equal(archive[name], array)


def test_a_compressed_archive_passes_the_checks_of_other_readers(tmp_path: Path) -> None:
    save_npz(tmp_path / "a.npz", ARRAYS, compress=True)
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        assert archive.testzip() is None
        assert {member.compress_type for member in archive.infolist()} == {zipfile.ZIP_DEFLATED}


def test_mapped_arrays_equal_the_saved_ones(tmp_path: Path) -> None:
    save_npz(tmp_path / "a.npz", ARRAYS, compress=False)
    mapped = map_npz(tmp_path / "a.npz")
    assert set(mapped) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert mapped[name].dtype == array.dtype
        np.testing.assert_array_equal(mapped[name], array)


def test_mapped_arrays_are_maps_that_cannot_be_written_to(tmp_path: Path) -> None:
    save_npz(tmp_path / "a.npz", ARRAYS, compress=False)
    mapped = map_npz(tmp_path / "a.npz")["mean"]
    assert isinstance(mapped.base, np.memmap)
    assert not mapped.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        mapped[0] = 0


def test_a_compressed_archive_is_not_mapped(tmp_path: Path) -> None:
    save_npz(tmp_path / "a.npz", ARRAYS, compress=True)
    with pytest.raises(ValueError, match="compressed"):
        map_npz(tmp_path / "a.npz")


def test_an_array_in_fortran_order_is_not_mapped(tmp_path: Path) -> None:
    save_npz(tmp_path / "a.npz", {"a": np.asfortranarray(np.ones((2, 3)))}, compress=False)
    with pytest.raises(ValueError, match="cannot be mapped"):
        map_npz(tmp_path / "a.npz")


def test_a_truncated_archive_is_not_mapped(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    save_npz(path, ARRAYS, compress=False)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(zipfile.BadZipFile):
        map_npz(path)


@pytest.mark.parametrize("compress", [False, True])
def test_the_same_content_gives_the_same_bytes_at_another_time(
    tmp_path: Path, compress: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_npz(tmp_path / "a.npz", ARRAYS, compress)
    monkeypatch.setattr(time, "time", lambda: 2e9)
    save_npz(tmp_path / "b.npz", ARRAYS, compress)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_compression_makes_a_plain_picture_small(tmp_path: Path) -> None:
    save_npz(tmp_path / "a.npz", {"a": np.zeros(100_000, np.uint8)}, compress=True)
    assert (tmp_path / "a.npz").stat().st_size < 2000


def test_an_object_array_is_not_written_and_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="pickle"):
        save_npz(tmp_path / "a.npz", {"a": np.array([{}], dtype=object)}, compress=False)
    assert list(tmp_path.iterdir()) == []
