"""Bodies of answers: read and unpacked, up to a limit.

aiohttp unpacks whatever it receives as it comes, in its older versions without a limit: 256 kB of a compressed body
can become 256 MB. So bodies are received packed, and are unpacked here.
"""

from __future__ import annotations

import zlib

from harvester.errors import TryLater

LIMIT = 64 << 20
"""Bytes of the largest body, packed and unpacked. Flickr's largest, pages of 500 rows with all extras, have 2 MB."""
_EITHER = 32 + zlib.MAX_WBITS  # gzip or zlib
_BARE = -zlib.MAX_WBITS  # what some servers call deflate


def unpack(raw: bytes, *, most: int = LIMIT) -> bytes:
    """What gzip or deflate have packed, in one part or several. TryLater where it is too large, or neither."""
    bits = _EITHER if raw[:2] == b"\x1f\x8b" or raw[0] & 15 == 8 else _BARE
    parts, size = [], 0
    try:
        while raw:
            unpacker = zlib.decompressobj(bits)
            parts.append(unpacker.decompress(raw, most + 1 - size))
            size += len(parts[-1])
            if size > most:
                raise too_large(most)
            if not unpacker.eof:
                raise TryLater("the answer broke off (packed)")
            raw = unpacker.unused_data.lstrip(b"\0")
    except zlib.error:
        raise TryLater("an answer that cannot be unpacked") from None
    return parts[0] if len(parts) == 1 else b"".join(parts)


def too_large(most: int) -> TryLater:
    """What is raised for a body of more than so many bytes."""
    return TryLater(f"an answer of more than {most >> 20} MB")
