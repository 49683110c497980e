"""What the manifest says of a file, held against the file while it is read for something else.

Else the next manifest would call whatever is built upon a changed file sound.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from harvester.archive.folder import MANIFEST, damaged, known_digests


class Proof:
    """One reading of a file of an archive, of `size` bytes. Without a digest in the manifest everything is right."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._expected = known_digests(path.parent).get((path.name, size))
        self._digest = hashlib.sha256()

    def read(self, parts: Iterable[bytes]) -> Iterator[bytes]:
        """The parts of the file, as they are, taken note of."""
        if self._expected is None:
            yield from parts
            return
        for part in parts:
            self._digest.update(part)
            yield part

    @property
    def holds(self) -> bool:
        """Whether all that was read is what the manifest speaks of."""
        return self._expected in (None, self._digest.hexdigest())

    def check(self) -> None:
        """CannotWrite where it is not."""
        if not self.holds:
            raise damaged(self._path, f"does not have the sha256 that {MANIFEST} tells")


def read_parts(file: IO[bytes], length: int) -> Iterator[bytes]:
    """So many bytes of a file, by the megabyte."""
    while part := file.read(min(length, 1 << 20)):
        length -= len(part)
        yield part
