"""What a store can do, whatever keeps the objects."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

PIECE = 4 << 20
"""Bytes of an object that are read or sent at once."""
_BARRED = frozenset({"", ".", ".."})


@dataclass(frozen=True, slots=True)
class Entry:
    """An object: its key below the store's prefix, and its length in bytes."""

    key: str
    size: int


class Store(Protocol):
    """Whole objects by their keys, such as `shards/0001/commit.json`. An object appears at once, or not at all.

    `data` is bytes, or the path of a file that nobody changes meanwhile. Transient faults are retried within; what
    remains is a StoreFault, whose text is one sentence. ValueError: a key that names no object.
    """

    @property
    def url(self) -> str:
        """The address, as sentences show it."""

    async def check(self, *, make: bool = False) -> None:
        """StoreFault where the store cannot be reached, is not there, or refuses the credentials.

        `make` makes a folder that is not there; a bucket is never made.
        """

    async def put_new(self, key: str, data: bytes | Path) -> bool:
        """Put an object where there is none by this key: True if this call has put it, False if one was there.

        Of several callers exactly one gets True. Where the answer to a put was lost, the object that is there is read
        and compared: so let what callers put differ, as by the name of the attempt. Of a file longer than
        `cloud.SINGLE` an object store can only look first and then put: name such objects by their content.
        """

    async def put(self, key: str, data: bytes | Path) -> None:
        """Put an object, in the place of any by this key."""

    async def get(self, key: str) -> bytes | None:
        """The whole object; None where there is none."""

    def stream(self, key: str) -> AsyncIterator[bytes]:
        """The object piece by piece, all of one version. StoreFault: there is none, or it is replaced meanwhile."""

    def list(self, prefix: str = "") -> AsyncIterator[Entry]:
        """The objects below a folder, at any depth, in no order. `prefix` is whole segments of keys: `shards/0001`."""

    async def head(self, key: str) -> Entry | None:
        """Key and length of an object; None where there is none."""

    async def delete(self, key: str) -> None:
        """Remove an object; none by this key is no error."""


def check_key(key: str) -> str:
    """The key itself. ValueError where it could lead out of the store, or is none in some of them."""
    if (
        any(part in _BARRED or part.endswith(".part") for part in key.split("/"))
        or "\\" in key
        or not key.isprintable()
    ):
        raise ValueError(f"{key!r} is no key of an object")
    return key
