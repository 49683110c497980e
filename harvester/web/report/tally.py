"""Exact counts of more texts than fit into memory."""

from __future__ import annotations

import heapq
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any, BinaryIO, Self, TypeAlias

import msgspec

from harvester.errors import CannotWrite

Pair: TypeAlias = tuple[str, str]
"""What is counted, and by what it is told apart: a tag and its year, an owner and the name."""
AT_HAND = 150_000
"""Pairs that are kept in memory: some 25 MB. Beyond that they go into a temporary file, in order."""
_AT_ONCE = 1000
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[tuple[str, str, int]]).decode


class Ranking(msgspec.Struct, frozen=True):
    """The texts that were counted most, and how many there are in all."""

    distinct: int
    total: int
    most: list[tuple[str, int, dict[str, int]]]
    """What, how often, and how often with each detail; of equals the first in the alphabet comes first."""


class Tally:
    """Counts pairs. Whatever their number, memory stays bounded, and no count is an estimate."""

    def __init__(self, *, at_hand: int = AT_HAND) -> None:
        self._at_hand = at_hand
        self._counts: Counter[Pair] = Counter()
        self._file: BinaryIO | None = None
        self._runs: list[list[tuple[int, int]]] = []
        """The pieces of each run, each by its place and length in the file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, counts: Mapping[Pair, int]) -> None:
        """Count more; CannotWrite where there is no room for temporary files."""
        self._counts.update(counts)
        if len(self._counts) > self._at_hand:
            try:
                self._put_away()
            except OSError as error:
                where = f"a temporary file in {tempfile.gettempdir()}"
                cure = "Make room, or name another folder in TMPDIR."
                raise CannotWrite(f"Cannot write {where}: {error.strerror}. {cure}") from None

    def rank(self, most: int) -> Ranking:
        """The texts that were counted most."""
        distinct = total = 0
        best: list[tuple[int, _Backwards, dict[str, int]]] = []
        for text, details in self._group():
            count = sum(details.values())
            distinct += 1
            total += count
            entry = (count, _Backwards(text), details)
            if len(best) < most:
                heapq.heappush(best, entry)
            elif entry[:2] > best[0][:2]:
                heapq.heapreplace(best, entry)
        best.sort(key=itemgetter(0, 1), reverse=True)
        return Ranking(distinct, total, [(text.text, count, details) for count, text, details in best])

    def _group(self) -> Iterator[tuple[str, dict[str, int]]]:
        """Each text with the counts of its details, in order."""
        runs = [self._read(run) for run in self._runs]
        for text, entries in groupby(heapq.merge(*runs, self._sort()), key=itemgetter(0)):
            details: dict[str, int] = {}
            for _, detail, count in entries:
                details[detail] = details.get(detail, 0) + count
            yield text, details

    def _sort(self) -> list[tuple[str, str, int]]:
        return sorted((text, detail, count) for (text, detail), count in self._counts.items())

    def _put_away(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="harvester-")  # noqa: SIM115 - closed by __exit__
        entries, run = self._sort(), []
        for n in range(0, len(entries), _AT_ONCE):
            piece = _encode(entries[n : n + _AT_ONCE])
            run.append((self._file.tell(), len(piece)))
            self._file.write(piece)
        self._runs.append(run)
        self._counts.clear()

    def _read(self, run: Iterable[tuple[int, int]]) -> Iterator[tuple[str, str, int]]:
        file: Any = self._file
        for place, length in run:
            file.seek(place)
            yield from _decode(file.read(length))
        file.seek(0, 2)


class _Backwards:
    """A text that comes the sooner the later it is in the alphabet: of two equals the smallest leaves a heap."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __lt__(self, other: _Backwards) -> bool:
        return self.text > other.text

    def __gt__(self, other: _Backwards) -> bool:
        return self.text < other.text
