"""Bodies of answers: read and unpacked, up to a limit.

aiohttp unpacks whatever it receives as it comes, in its older versions without a limit: 256 kB of a compressed body
can become 256 MB. So bodies are received packed, and are unpacked here.
"""

from __future__ import annotations

import zlib

from aiohttp import StreamReader

from harvester.errors import TryLater

LIMIT = 64 << 20
"""Bytes of the largest body, packed and unpacked. Flickr's largest, pages of 500 rows with all extras, have 2 MB."""
_EITHER = 32 + zlib.MAX_WBITS  # gzip or zlib
_BARE = -zlib.MAX_WBITS  # what some servers call deflate


async def read_body(stream: StreamReader, *, encoding: str | None, most: int = LIMIT) -> bytes:
    """The whole body, unpacked. TryLater where it is too large or is not what `encoding` says."""
    raw = stream.read_nowait() if stream.is_eof() else await _read(stream, most)
    return raw if encoding not in ("gzip", "deflate") or not raw else unpack(raw, most=most)


async def _read(stream: StreamReader, most: int) -> bytes:
    parts, size = [], 0
    while part := await stream.readany():
        size += len(part)
        if size > most:
            raise _too_large(most)
        parts.append(part)
    return b"".join(parts)


def unpack(raw: bytes, *, most: int = LIMIT) -> bytes:
    """What gzip or deflate have packed, be it in several parts."""
    bits = _EITHER if raw[:2] == b"\x1f\x8b" or raw[0] & 15 == 8 else _BARE
    parts, size = [], 0
    try:
        while raw:
            unpacker = zlib.decompressobj(bits)
            parts.append(unpacker.decompress(raw, most + 1 - size))
            size += len(parts[-1])
            if size > most:
                raise _too_large(most)
            if not unpacker.eof:
                raise TryLater("the answer broke off (packed)")
            raw = unpacker.unused_data.lstrip(b"\0")
    except zlib.error:
        raise TryLater("an answer that cannot be unpacked") from None
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large(most: int) -> TryLater:
    return TryLater(f"an answer of more than {most >> 20} MB")
