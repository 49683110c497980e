"""The form of `manifest.json`, and whether one is as it was written. Pure but for the reading of the file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
import orjson

from harvester.archive.disk.layout import DATA, PHOTOS, is_put_away
from harvester.archive.parts.part import Part, sum_lines

FORMAT = 2
"""Manifests of format 1 have no checksum of their own."""
FORMAT_IN_PARTS = 3
"""Of an archive in parts, which versions before this one would take for one without most of its photos."""
CHECKSUM = "checksum"
Status: TypeAlias = Literal["complete", "incomplete", "stopped", "unfinished"]
"""`unfinished` is the manifest of a harvest under way, or of one that was killed."""
ENDED = ("complete", "incomplete")
"""The status of a harvest that came to its end: its files are those of the manifest, no more and no less."""

_Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0)]
_Sha256: TypeAlias = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class FilePrefix(msgspec.Struct, frozen=True):
    """The sha256 of a file's first bytes, where the file is still growing."""

    bytes: _Count
    sha256: _Sha256
    blocks: str | None = None
    """The checksums of its blocks of lines, as `manifest.blocks` writes them."""

    def describe(self) -> dict[str, Any]:
        """The entry as a manifest holds it. Earlier versions kept no blocks."""
        return {"bytes": self.bytes, "sha256": self.sha256, **({} if self.blocks is None else {"blocks": self.blocks})}


class FileEntry(msgspec.Struct, frozen=True):
    """What the manifest says of a file: its committed length, and checksums of what stands there."""

    bytes: _Count
    lines: _Count
    sha256: _Sha256 | None = None
    begins: FilePrefix | None = None
    blocks: str | None = None

    @property
    def beginning(self) -> FilePrefix | None:
        """The longest beginning of the file whose sha256 is known."""
        return FilePrefix(self.bytes, self.sha256, self.blocks) if self.sha256 is not None else self.begins


class PutAway(FilePrefix, frozen=True):
    """A file in `updates/` or `history/`. `harmed`: a repair has found that its content was changed."""

    harmed: bool = False


class Published(msgspec.Struct, frozen=True):
    """A file of a published archive: the key of its object in the store, and what is in it."""

    key: str
    bytes: _Count
    sha256: _Sha256


class Manifest(msgspec.Struct, frozen=True):
    """What of a manifest is relied on; the rest is for people, and for a repair."""

    status: Status
    files: dict[str, FileEntry]
    counts: dict[str, int | None] = {}
    harvester: str | None = None
    """The version that wrote it."""
    job: dict[str, Any] | None = None
    begun: str | None = None
    brought_up_to_date: str | None = None
    updated: str | None = None
    incomplete_stretches: list[dict[str, Any]] = []
    doubted: dict[str, int] = {}
    put_away: dict[str, PutAway] = {}
    parts: list[Part] = []
    """The closed parts of the photos, in order; `files` tells of what stands behind them."""
    objects: dict[str, Published] = {}
    """In the manifest of a published archive: its files."""

    facts: dict[str, Any] = {}

    @property
    def withdrawn(self) -> list[Any]:
        """The photos that were taken down."""
        told = self.facts.get("withdrawn")
        return told if isinstance(told, list) else []

    def count_photos(self) -> int:
        """The lines of photos, in closed parts or not."""
        return sum_lines(self.parts) + self.files[PHOTOS].lines

    @property
    def is_ended(self) -> bool:
        """Whether the harvest came to its end."""
        return self.status in ENDED


def encode_manifest(facts: Mapping[str, Any]) -> bytes:
    """The content of the file: the facts, and a checksum of them at the end."""
    told = {**facts, CHECKSUM: _sum_up(facts)}
    return orjson.dumps(told, option=orjson.OPT_INDENT_2) + b"\n"


def is_as_written(facts: Mapping[str, Any]) -> bool:
    """Whether the facts of a manifest have the checksum with which they were written."""
    if facts.get("format") == 1:
        return True
    return facts.get(CHECKSUM) == _sum_up({name: value for name, value in facts.items() if name != CHECKSUM})


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of an archive; None where there is none that can be relied on."""
    try:
        return decode_manifest((folder / "manifest.json").read_bytes())
    except OSError:
        return None


def decode_manifest(data: bytes) -> Manifest | None:
    """The manifest that stands in a file; None where it cannot be relied on."""
    try:
        facts = orjson.loads(data)
        manifest = msgspec.convert(facts, Manifest)
    except (orjson.JSONDecodeError, msgspec.ValidationError):
        return None
    is_sound = PHOTOS in manifest.files and manifest.files.keys() <= DATA and is_as_written(facts)
    is_sound = is_sound and all(map(is_put_away, manifest.put_away))
    return manifest if is_sound else None


def _sum_up(facts: Mapping[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(facts)).hexdigest()
