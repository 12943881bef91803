"""Writing `.npz` files fast and whole, and reading them without loading them."""

from __future__ import annotations

import io
import math
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from isal import isal_zlib

from worldmodels.rundir import write_atomic

LOCAL_HEADER = 30  # bytes before the member's name in a zip file
DEFLATED = 8  # zip's number for it
MOST_BYTES = 2**32 - 1  # of a compressed member: larger ones would need zip64


def save_npz(path: Path, arrays: Mapping[str, np.ndarray], compress: bool) -> None:
    """Write `arrays` so that plain `np.load` reads them. Raises ValueError for objects.

    ISA-L deflates six times as fast as zlib's fastest level, to smaller files; the zipfile module
    knows zlib only, so compressed archives are put together here.
    """
    write_atomic(path, lambda file: (_write_deflated if compress else _write_stored)(file, arrays))


def _write_stored(file: Any, arrays: Mapping[str, np.ndarray]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            # A fixed date, so that the same content gives the same bytes.
            member = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            with archive.open(member, "w", force_zip64=True) as out:
                np.lib.format.write_array(out, np.asanyarray(array), allow_pickle=False)


def _write_deflated(file: Any, arrays: Mapping[str, np.ndarray]) -> None:
    """A zip file as PKWARE's APPNOTE 6.3.10 describes it: members, directory, end of directory."""
    directory = b""
    offset = 0
    for name, array in arrays.items():
        content = io.BytesIO()
        np.lib.format.write_array(content, np.asanyarray(array), allow_pickle=False)
        plain, label = content.getbuffer(), f"{name}.npy".encode()
        if len(plain) > MOST_BYTES:
            raise ValueError(f"{name} is too large for a compressed archive")
        deflate = isal_zlib.compressobj(1, wbits=-15)
        packed = deflate.compress(plain) + deflate.flush()
        # Version 2.0, no flags, deflated, midnight of 1 January 1980, checksum, sizes, name.
        facts = struct.pack(
            "<5H3L2H",
            *(20, 0, DEFLATED, 0, 0x21),
            *(isal_zlib.crc32(plain), len(packed), len(plain)),
            *(len(label), 0),
        )
        file.write(b"PK\3\4" + facts + label + packed)
        directory += b"PK\1\2" + struct.pack("<H", 20) + facts
        directory += struct.pack("<3H2L", 0, 0, 0, 0, offset) + label
        offset += LOCAL_HEADER + len(label) + len(packed)
    file.write(directory)
    count = len(arrays)
    file.write(b"PK\5\6" + struct.pack("<4H2LH", 0, 0, count, count, len(directory), offset, 0))


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
