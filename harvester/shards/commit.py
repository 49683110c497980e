"""What says that a shard is done: a small object that names all that counts of it, with checksums. Pure."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal, TypeAlias

import msgspec

from harvester.archive.disk.layout import DATA
from harvester.archive.merge.history import zstd
from harvester.errors import StoreFault
from harvester.shards.names import PARTS, Lines
from harvester.shards.shard import Shard

FORMAT = 1
_Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]


class Part(msgspec.Struct, frozen=True):
    """An object of compressed lines, or a file. `sha256` and `bytes` are of what it unpacks to."""

    key: str
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    bytes: _Count


class Commit(msgspec.Struct, frozen=True, kw_only=True):
    """A shard that is done. `files` are those beside the photos, by their names in an archive."""

    format: int = FORMAT
    harvester: str
    shard: str
    attempt: _Count
    worker: str
    status: Literal["complete", "incomplete"]
    photos: _Count
    failed: _Count
    calls: _Count
    ended: str
    """The moment at which it was done."""
    parts: list[Part]
    files: dict[str, list[Part]]
    checkpoint: list[Part]

    @property
    def all_parts(self) -> list[Part]:
        """All objects that it names."""
        lists = [part for parts in self.files.values() for part in parts]
        return [*self.parts, *lists, *self.checkpoint]


def encode_commit(commit: Commit) -> bytes:
    """The commit as the store holds it."""
    return msgspec.json.format(msgspec.json.encode(commit)) + b"\n"


def decode_commit(data: bytes, shard: Shard, *, where: str) -> Commit:
    """The commit of a shard; StoreFault where it is none, or names what is not the shard's own."""
    try:
        commit = msgspec.json.decode(data, type=Commit)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _damaged(shard, where, str(error)) from None
    if commit.format > FORMAT:
        raise StoreFault(f"{where}: {shard} was committed by a newer harvester; update this one.")
    if commit.shard != shard.id:
        raise _damaged(shard, where, f"it is that of {commit.shard}")
    own = f"{PARTS}/{shard}/"
    strange = [part.key for part in commit.all_parts if not part.key.startswith(own)]
    if strange or not commit.files.keys() <= DATA:
        raise _damaged(shard, where, "it names what is not its own")
    return commit


def _damaged(shard: Shard, where: str, why: str) -> StoreFault:
    return StoreFault(
        f"{where}: the commit of {shard} is damaged ({why}): delete commits/{shard}, and run that shard again."
    )


def pack(data: bytes) -> bytes:
    """Compressed, as a store holds it."""
    return zstd.compress(data)


def unpack(part: Part, data: bytes | None, *, where: str) -> bytes:
    """What was packed; StoreFault where it is missing, or not what the commit says."""
    try:
        plain = None if data is None else zstd.decompress(data)
    except zstd.ZstdError:
        plain = b""
    if plain is None or hashlib.sha256(plain).hexdigest() != part.sha256:
        what = "is missing" if plain is None else "is not what was put there"
        shard = part.key.split("/")[1]
        raise StoreFault(f"{where}: {part.key} {what}: delete commits/{shard}, and run that shard again.")
    return plain


def recognize(lines: Lines, data: bytes | None) -> tuple[Part, bytes] | None:
    """The part of published lines, and what it holds; None where it is not there, or not what its name says."""
    try:
        plain = b"" if data is None else zstd.decompress(data)
    except zstd.ZstdError:
        return None
    part = name_part(lines.key, plain)
    return (part, plain) if part.sha256.startswith(lines.sha) and plain.endswith(b"\n") else None


def name_part(key: str, plain: bytes) -> Part:
    """What names an object of these bytes."""
    return Part(key, hashlib.sha256(plain).hexdigest(), len(plain))
