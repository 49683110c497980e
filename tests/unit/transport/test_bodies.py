"""A body has a limit, packed and unpacked: no answer can fill the memory."""

from __future__ import annotations

import gzip
import zlib

import pytest

from harvester.errors import TryLater
from harvester.transport.bodies import unpack

MOST = 100_000
TEXT = b'{"stat":"ok"}' * 1000


def bare(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, bare], ids=["gzip", "zlib", "bare deflate"])
def test_what_is_packed_is_unpacked_up_to_the_limit(pack: object) -> None:
    assert callable(pack)
    assert unpack(pack(TEXT), most=MOST) == TEXT
    with pytest.raises(TryLater, match="more than 0 MB"):
        unpack(pack(bytes(MOST + 1)), most=MOST)


def test_several_packed_parts_are_one_body() -> None:
    assert unpack(gzip.compress(TEXT) + gzip.compress(b"more"), most=MOST) == TEXT + b"more"


@pytest.mark.parametrize(
    "raw", [gzip.compress(TEXT)[:-9], b"\x1f\x8bnonsense", b"no gzip"], ids=["cut", "nonsense", "no gzip"]
)
def test_what_cannot_be_unpacked_is_tried_again(raw: bytes) -> None:
    with pytest.raises(TryLater):
        unpack(raw, most=MOST)
