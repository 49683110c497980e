"""Publishing a shard's lines while it is run: what is on the disk goes to the store, part by part.

A part that is there costs nobody a call again: whoever takes the shard over begins with it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from harvester.archive.disk.files import cannot_write
from harvester.archive.sinks import ArchiveSink
from harvester.errors import CannotWrite
from harvester.objects import Store
from harvester.shards.commit import Part, name_part, pack
from harvester.shards.names import Lines, join_lines, name_lines, name_parts
from harvester.shards.shard import Shard

PART_BYTES = 8 << 20
"""Bytes of lines in a part, about: some 1,500 photos."""


class WatchedSink(ArchiveSink):
    """An archive's sink that knows how much of the file is on the disk."""

    synced = 0

    def sync(self) -> None:
        """Wait for the disk."""
        length = self.length
        super().sync()
        self.synced = length


class Publisher:
    """Publishes the lines of one attempt. `published` is how many bytes of the file the store has."""

    def __init__(self, store: Store, shard: Shard, attempt: int, *, path: Path, published: int) -> None:
        self._store = store
        self._shard = shard
        self._attempt = attempt
        self._path = path
        self._lock = asyncio.Lock()
        self.published = published
        self.parts: list[Part] = []

    async def publish(self, end: int) -> None:
        """Have all lines up to this byte in the store. StoreFault where that fails: what was put stays."""
        async with self._lock:
            while self.published < end:
                await self._put(await asyncio.to_thread(read_part, self._path, self.published, end))

    async def _put(self, plain: bytes) -> None:
        begin, end = self.published, self.published + len(plain)
        sha256 = hashlib.sha256(plain).hexdigest()
        key = name_lines(self._shard, self._attempt, begin=begin, end=end, sha256=sha256)
        await self._store.put(key, await asyncio.to_thread(pack, plain))
        self.parts.append(Part(key, sha256, len(plain)))
        self.published = end

    def recall(self, known: Iterable[Lines]) -> bool:
        """Take up what this attempt had published before it was cut short; whether the file still holds all of it."""
        for lines in known:
            plain = read_bytes(self._path, lines.begin, lines.end)
            part = name_part(lines.key, plain)
            is_own = lines.begin == self.published and len(plain) == lines.end - lines.begin
            if not is_own or not part.sha256.startswith(lines.sha):
                return False
            self.parts.append(part)
            self.published = lines.end
        return True

    async def put_file(self, path: Path, *, size: int, name: str) -> list[Part]:
        """Publish the first bytes of another file of the shard, piece by piece."""
        parts: list[Part] = []
        for begin in range(0, size, PART_BYTES):
            plain = await asyncio.to_thread(read_bytes, path, begin, min(begin + PART_BYTES, size))
            part = name_part(f"{name_parts(self._shard, self._attempt)}/{name}.{len(parts) + 1:05}.zst", plain)
            await self._store.put(part.key, await asyncio.to_thread(pack, plain))
            parts.append(part)
        return parts


def read_part(path: Path, begin: int, end: int) -> bytes:
    """Whole lines of a file from a byte on: as many as make a part, or one that is longer."""
    data = read_bytes(path, begin, min(end, begin + PART_BYTES))
    if b"\n" not in data:
        data = read_bytes(path, begin, end)
        data = data[: data.find(b"\n") + 1]
    if not data:
        raise CannotWrite(f"{path} became shorter while it was published: run the same command again.")
    return data[: data.rfind(b"\n") + 1]


def read_bytes(path: Path, begin: int, end: int) -> bytes:
    """Bytes of a file, as far as they are there. CannotWrite where it cannot be read."""
    try:
        with path.open("rb") as file:
            file.seek(begin)
            return file.read(end - begin)
    except OSError as error:
        raise cannot_write(path, error) from None


async def list_lines(store: Store, shard: Shard) -> list[Lines]:
    """The lines that all attempts at a shard have published."""
    return join_lines([entry.key async for entry in store.list(f"parts/{shard}")])


def split_own(found: Sequence[Lines], attempt: int) -> Iterator[Lines]:
    """Those that an attempt has published itself."""
    return (lines for lines in found if lines.attempt == attempt)
