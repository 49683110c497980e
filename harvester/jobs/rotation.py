"""When a part of an archive's photos is closed, and how it is packed. Pure."""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeAlias, get_args

import msgspec

from harvester.errors import UsageError, show

Packing: TypeAlias = Literal["zstd", "gzip", "none"]
PACKINGS: tuple[Packing, ...] = get_args(Packing)
_SIZE = re.compile(r"(\d{1,15}) ?(|[kKMGT]i?B)")
_UNITS = {"k": 1, "m": 2, "g": 3, "t": 4}
_Count: TypeAlias = Annotated[int, msgspec.Meta(ge=1, lt=1 << 62)]


class Rotation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A part is closed once it holds so many lines, or so many bytes of them; one of the two is None."""

    lines: _Count | None = None
    bytes: _Count | None = None
    packing: Packing = "zstd"

    def is_full(self, lines: int, size: int) -> bool:
        """Whether so many lines of `size` bytes make a part."""
        return lines > 0 and (lines >= self.lines if self.lines else size >= (self.bytes or 0))

    def __str__(self) -> str:
        return f"{self.lines} lines" if self.lines else f"{self.bytes} bytes"


def choose_rotation(rotate: object, compress: str | None, *, has_archive: bool) -> Rotation | None:
    """The rotation that is asked for, None where none is. UsageError for what is none, or where nothing has parts."""
    if rotate is None and compress is not None:
        raise UsageError("it says how closed parts are packed, and is given together with rotate.", field="compress")
    if rotate is None:
        return None
    if not has_archive:
        raise UsageError("only an archive has parts: name its folder as the output.", field="rotate")
    return read_rotation(rotate, compress)


def read_rotation(text: object, packing: str | None = None) -> Rotation:
    """A rotation as people write it: `100000` lines, `256MB`, `1GiB`. UsageError for what is none."""
    if packing is not None and packing not in PACKINGS:
        raise UsageError(f"{show(packing)} is no way of packing; use {', '.join(PACKINGS)}.", field="compress")
    packed: Packing = packing or "zstd"
    is_text = isinstance(text, str | int) and not isinstance(text, bool)
    found = _SIZE.fullmatch(str(text).strip()) if is_text else None
    number = int(found[1]) if found else 0
    if found is None or not number:
        raise UsageError(
            f"{show(text)} is no size of a part; use a number of photos, as 100000, or a size, as 256MB.",
            field="rotate",
        )
    unit = found[2]
    if not unit:
        return Rotation(lines=number, packing=packed)
    base = 1024 if "i" in unit else 1000
    return Rotation(bytes=number * base ** _UNITS[unit[0].lower()], packing=packed)
