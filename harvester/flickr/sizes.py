"""The sizes of photos: how a listing's row names them, and how flickr.photos.getSizes does. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import msgspec

from harvester.flickr.lenient_json import read_number

LISTED_SIZES: Mapping[str, str] = MappingProxyType(
    {
        "sq": "Square",
        "q": "Large Square",
        "t": "Thumbnail",
        "s": "Small",
        "n": "Small 320",
        "w": "Small 400",
        "m": "Medium",
        "z": "Medium 640",
        "c": "Medium 800",
        "l": "Large",
        "h": "Large 1600",
        "k": "Large 2048",
        "3k": "X-Large 3K",
        "4k": "X-Large 4K",
        "f": "X-Large 4096",
        "5k": "X-Large 5K",
        "6k": "X-Large 6K",
        "o": "Original",
    }
)
"""By the ends of `url_k`, `width_k` and `height_k`: how getSizes calls the size. Small to large."""

FROM_LISTING = b'{"from":"listing","size":['
"""How the sizes of a photo begin that are those of its row: what getSizes answers has no member `from`."""
_WHOLE = (None, b'"ready"')
"""States of a photo whose sizes are all there; the row of a picture need not tell one."""
_PICTURE = b'"photo"'
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


def build_listed_sizes(row: bytes) -> bytes | None:
    """The sizes in a listing's row, in the form and order of getSizes and each value as sent; None for a call.

    A row tells all sizes of a picture that the caller may have, and none of a video's streams. Where it does not say
    that the photo is a picture that is ready, or lacks a side, getSizes is to be asked.
    """
    try:
        members = _members.decode(row)
        if bytes(members["media"]) != _PICTURE or _read(members, "media_status") not in _WHOLE:
            return None
        sizes = b",".join(_list_sizes(members))
    except (msgspec.DecodeError, UnicodeError, KeyError, ValueError):
        return None
    return FROM_LISTING + sizes + b"]}" if sizes else None


def is_listed(sizes: bytes) -> bool:
    """Whether a line's member `sizes` is that of a listing."""
    return sizes.startswith(FROM_LISTING)


def _list_sizes(members: Mapping[str, msgspec.Raw]) -> Iterator[bytes]:
    """Each size as getSizes tells it, but for its page; KeyError or ValueError where a side is missing."""
    for letters, label in LISTED_SIZES.items():
        address = _read(members, f"url_{letters}")
        if address is not None:
            sides = bytes(members[f"width_{letters}"]), bytes(members[f"height_{letters}"])
            if not all(read_number(msgspec.json.decode(side)) for side in sides):
                raise ValueError(letters)
            yield b'{"label":"%s","width":%s,"height":%s,"source":%s,"media":"photo"}' % (
                label.encode(),
                *sides,
                address,
            )


def _read(members: Mapping[str, msgspec.Raw], name: str) -> bytes | None:
    """A member as sent; None where it says nothing."""
    raw = bytes(members.get(name, b""))
    return None if raw in (b"", b"null", b'""') else raw
