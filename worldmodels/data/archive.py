"""Writing `.npz` files fast and whole, and reading them without loading them."""

from __future__ import annotations

import math
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from worldmodels.rundir import write_atomic

LOCAL_HEADER = 30  # bytes before the member's name in a zip file


def save_npz(path: Path, arrays: Mapping[str, np.ndarray], compress_level: int) -> None:
    """Write `arrays` so that plain `np.load` reads them; level 0 stores them uncompressed.

    np.savez_compressed has no choice but zlib's level 6, which costs four times as much as
    level 1 for frames a tenth smaller.
    """
    method = zipfile.ZIP_DEFLATED if compress_level else zipfile.ZIP_STORED

    def write(file: object) -> None:
        with zipfile.ZipFile(file, "w", method, compresslevel=compress_level) as archive:  # type: ignore[call-overload]
            for name, array in arrays.items():
                # A fixed date, so that the same content gives the same bytes.
                member = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
                member.compress_type = method
                with archive.open(member, "w", force_zip64=True) as out:
                    np.lib.format.write_array(out, np.asanyarray(array), allow_pickle=False)

    write_atomic(path, write)


def map_npz(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an uncompressed `.npz` as read-only memory maps.

    Raises zipfile.BadZipFile or ValueError for a damaged or a compressed file.
    """
    arrays: dict[str, np.ndarray] = {}
    # One map a file, whatever the number of arrays: each costs an open file descriptor.
    whole = np.memmap(path, np.uint8, "r")
    with zipfile.ZipFile(path) as archive, path.open("rb") as file:
        for member in archive.infolist():
            if member.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"{path} is compressed and cannot be mapped")
            file.seek(member.header_offset + LOCAL_HEADER - 4)
            name_length, extra_length = struct.unpack("<HH", file.read(4))
            file.seek(name_length + extra_length, 1)
            version = np.lib.format.read_magic(file)
            read_header = {
                (1, 0): np.lib.format.read_array_header_1_0,
                (2, 0): np.lib.format.read_array_header_2_0,
            }[version]
            shape, fortran, kind = read_header(file)
            if fortran or kind.hasobject:
                raise ValueError(f"{path} holds an array that cannot be mapped")
            key = member.filename.removesuffix(".npy")
            offset = file.tell()
            if offset + math.prod(shape) * kind.itemsize > len(whole):
                raise ValueError(f"{path} is cut short")
            arrays[key] = np.ndarray(shape, kind, whole, offset)
    return arrays
