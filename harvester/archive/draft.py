"""A photo's line before all of its parts have come: what is kept of it when a run ends in between. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec


class _Kept(msgspec.Struct):
    """A draft as the checkpoint has it, the parts byte for byte as they came."""

    parts: dict[str, msgspec.Raw]
    errors: dict[str, dict[str, Any]] = {}
    pages: dict[str, int] = {}


_decode = msgspec.json.Decoder(_Kept).decode


@dataclass(slots=True, eq=False)
class Draft:
    """The parts that have come, by name; a part that Flickr refuses is None and has its reason in `errors`."""

    parts: dict[str, bytes | None] = field(default_factory=dict)
    errors: dict[str, dict[str, Any]] = field(default_factory=dict)
    pages: dict[str, int] = field(default_factory=dict)
    """The next page of a part that is a list, while only some of its pages have come."""
    kept: tuple[int, ...] = (0,)
    """How far it was when it was last kept."""

    @property
    def progress(self) -> tuple[int, ...]:
        """How far it is: how many parts have come, and the next page of a list."""
        return len(self.parts), *self.pages.values()

    def encode(self) -> bytes:
        """The draft as JSON."""
        parts = {name: msgspec.Raw(b"null" if raw is None else raw) for name, raw in self.parts.items()}
        return msgspec.json.encode(_Kept(parts, self.errors, self.pages))


def read_draft(kept: bytes) -> Draft:
    """A draft that was kept. One that cannot be read is as good as none: its parts are asked for again."""
    try:
        found = _decode(kept)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return Draft()
    return Draft({name: bytes(raw) for name, raw in found.parts.items()}, found.errors, found.pages)
