"""A closed part of an archive's photos: a file of lines that will not grow any more. Pure.

A name never stands for two contents: what changes a part writes its next generation under another name, which stands
in the same place when the names are sorted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, TypeAlias

import msgspec

from harvester.archive.disk.layout import PART_NAME, PHOTOS
from harvester.jobs.rotation import Packing

_SUFFIXES: dict[Packing, str] = {"zstd": ".zst", "gzip": ".gz", "none": ""}
_PACKINGS = {suffix: packing for packing, suffix in _SUFFIXES.items()}
MOST = 1 << 27
"""Bytes of a frame at most: it holds a megabyte of lines, and one more line."""

_Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)]
_Sha256: TypeAlias = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A part as checkpoint and manifest know it. ValueError where no part can be like that.

    `bytes` and `sha256` are the file's, `plain_bytes` and `plain_sha256` those of the lines in it. `frames` are the
    pieces that can be unpacked each for itself, as `PACKED:PLAIN` bytes; a part that is not packed has none.
    """

    name: str
    bytes: _Count
    sha256: _Sha256
    lines: _Count
    plain_bytes: _Count
    plain_sha256: _Sha256
    frames: str = ""

    def __post_init__(self) -> None:
        if PART_NAME.fullmatch(self.name) is None:
            raise ValueError(f"{self.name!r} is no name of a part")
        sizes = list(self.list_frames())
        if self.packing == "none":
            is_sound = not sizes and (self.bytes, self.sha256) == (self.plain_bytes, self.plain_sha256)
        else:
            sums = (sum(packed for packed, _ in sizes), sum(plain for _, plain in sizes))
            is_sound = sums == (self.bytes, self.plain_bytes) and all(0 < plain <= MOST for _, plain in sizes)
        if not is_sound:
            raise ValueError(f"the sizes of {self.name} do not agree")

    @property
    def packing(self) -> Packing:
        """How it is packed."""
        return find_packing(self.name)

    @property
    def number(self) -> int:
        """The number in its name."""
        return read_number(self.name)[0]

    def list_frames(self) -> Iterator[tuple[int, int]]:
        """The bytes of each frame, packed and plain."""
        for told in self.frames.split():
            packed, _, plain = told.partition(":")
            yield int(packed), int(plain)


def build_name(number: int, generation: int, packing: Packing) -> str:
    """The name of a part: `photos-00001.ndjson.zst`, and of its second generation `photos-00001-2.ndjson.zst`."""
    stem, _, ending = PHOTOS.partition(".")
    again = f"-{generation}" if generation > 1 else ""
    return f"{stem}-{number:05}{again}.{ending}{_SUFFIXES[packing]}"


def read_number(name: str) -> tuple[int, int]:
    """The number and the generation in a part's name; ValueError where it is none."""
    found = PART_NAME.fullmatch(name)
    if found is None:
        raise ValueError(f"{name!r} is no name of a part")
    return int(found[1]), int(found[2] or 1)


def find_packing(name: str) -> Packing:
    """How the part of this name is packed."""
    found = PART_NAME.fullmatch(name)
    return _PACKINGS[found[3] or ""] if found else "none"


def name_next(name: str) -> str:
    """The name of a part's next generation."""
    number, generation = read_number(name)
    return build_name(number, generation + 1, find_packing(name))


def list_names(parts: Iterable[Part]) -> list[str]:
    """Their names, which tell one state of an archive from another: none stands for two contents."""
    return [part.name for part in parts]


def sum_lines(parts: Iterable[Part]) -> int:
    """The lines of all of these parts."""
    return sum(part.lines for part in parts)


def measure_lines(parts: Iterable[Part]) -> int:
    """The bytes of the lines of all of these parts, as they are before they are packed."""
    return sum(part.plain_bytes for part in parts)


def join_frames(sizes: Iterable[tuple[int, int]]) -> str:
    """The frames as a part holds them."""
    return " ".join(f"{packed}:{plain}" for packed, plain in sizes)
