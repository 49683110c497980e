"""Writing a part: lines in frames of a megabyte, each of which can be unpacked for itself.

So a damaged part loses the lines of one frame, not all behind it, and its lines can be read from anywhere. Frames of
zstd and members of gzip stand one behind the other as both formats have it, and each holds a checksum.
"""

from __future__ import annotations

import gzip
import hashlib
import mmap
import sys
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from harvester.archive.disk.files import sync_file
from harvester.archive.disk.modes import create_file
from harvester.archive.parts.part import MOST, Part, find_packing, join_frames
from harvester.jobs.rotation import Packing

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

FRAME = 1 << 20
"""Bytes of lines in a frame, and what the last line has more."""
_OPTIONS: dict[int, int] = {zstd.CompressionParameter.compression_level: 3, zstd.CompressionParameter.checksum_flag: 1}
_GZIP_LEVEL = 6
_MAGIC = {"zstd": b"\x28\xb5\x2f\xfd", "gzip": b"\x1f\x8b\x08"}
_AT_ONCE = 1 << 14
"""Packed bytes of a damaged part that are unpacked at once: so much, and not a whole part, may turn out to be huge."""


class Unreadable(ValueError):
    """A frame cannot be unpacked, or is not what was packed."""


def pack(data: bytes, packing: Packing) -> bytes:
    """A frame of these bytes, the same for the same bytes."""
    if packing == "zstd":
        return zstd.compress(data, options=_OPTIONS)
    return gzip.compress(data, _GZIP_LEVEL, mtime=0) if packing == "gzip" else data


def unpack(frame: bytes, packing: Packing, size: int) -> bytes:
    """The `size` bytes that a frame holds; Unreadable where it holds something else, be it larger than memory."""
    if packing == "none":
        data = frame
    else:
        unpacker = zstd.ZstdDecompressor() if packing == "zstd" else zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            data = unpacker.decompress(frame, size + 1)
            if not unpacker.eof:
                data += unpacker.decompress(b"", 1)
        except (zstd.ZstdError, zlib.error, EOFError) as error:
            raise Unreadable(str(error)) from None
        if not unpacker.eof or unpacker.unused_data:
            raise Unreadable("the frame is not whole")
    if len(data) != size:
        raise Unreadable(f"it has {len(data)} bytes where {size} were packed")
    return data


def recover_frames(data: mmap.mmap, packing: Packing) -> Iterator[bytes]:
    """What can be unpacked of a damaged part: whole frames, wherever they stand, and the beginning of one cut short."""
    magic, place = _MAGIC[packing], 0
    while (place := data.find(magic, place)) >= 0:
        found, size = _unpack_some(data, place, packing)
        if found:
            yield found
        place += max(size, 1)


def _unpack_some(data: mmap.mmap, place: int, packing: Packing) -> tuple[bytes, int]:
    """What a frame holds that begins here, and its bytes; nothing of one that cannot be unpacked."""
    unpacker = zstd.ZstdDecompressor() if packing == "zstd" else zlib.decompressobj(zlib.MAX_WBITS | 16)
    found, begin = bytearray(), place
    try:
        while not unpacker.eof and place < len(data) and len(found) <= MOST:
            found += unpacker.decompress(data[place : place + _AT_ONCE])
            place += _AT_ONCE
    except (zstd.ZstdError, zlib.error):
        return b"", 0
    return bytes(found), min(place, len(data)) - len(unpacker.unused_data) - begin


# Many attributes: a file, its compression and the sums over it grow together.
class PartWriter:
    """Writes one part. Its name says how it is packed; it is written under another one, and renamed by its owner."""

    def __init__(self, path: Path, *, name: str) -> None:
        """`name` is the one that the part is to have."""
        self.path = path
        self._name = name
        self._packing = find_packing(name)
        self._sums = hashlib.sha256(), hashlib.sha256()
        self._frames: list[tuple[int, int]] = []
        self._lines: list[bytes] = []
        self._waiting = 0
        self.lines = 0
        self.bytes = 0
        """Of the lines, before they are packed."""
        self._file = open(create_file(path), "wb")  # noqa: PTH123, SIM115 - a descriptor, closed at the end

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._file.close()

    def write(self, line: bytes) -> None:
        """Add a line."""
        self._lines.append(line)
        self.lines += 1
        self.bytes += len(line)
        self._waiting += len(line)
        if self._waiting >= FRAME:
            self._flush()

    def _flush(self) -> None:
        if not self._lines:
            return
        data = b"".join(self._lines)
        frame = pack(data, self._packing)
        for digest, some in zip(self._sums, (frame, data), strict=True):
            digest.update(some)
        self._file.write(frame)
        self._frames.append((len(frame), len(data)))
        self._lines.clear()
        self._waiting = 0

    def finish(self) -> Part:
        """Bring all of it to the disk; what the part is."""
        self._flush()
        self._file.flush()
        sync_file(self._file.fileno(), self.path)
        packed, plain = self._sums
        return Part(
            name=self._name,
            bytes=sum(size for size, _ in self._frames),
            sha256=packed.hexdigest(),
            lines=self.lines,
            plain_bytes=self.bytes,
            plain_sha256=plain.hexdigest(),
            frames="" if self._packing == "none" else join_frames(self._frames),
        )
