"""Where the lines of archives begin, and which of them another archive has newer."""

from __future__ import annotations

import io
from array import array
from collections.abc import Iterator, Sequence

from harvester.export.source import Source, open_file, tell_damaged
from harvester.export.work import PREFIX

_AT_ONCE = 1 << 20


def find_older(sources: Sequence[Source]) -> list[array[int]]:
    """For each archive, the offsets of lines that another archive has in a newer version; equal: the first counts."""
    ids, places, owners = array("q"), array("q"), array("h")
    stamps: list[bytes] = []
    for n, source in enumerate(sources):
        for photo_id, harvested, place in list_lines(source):
            ids.append(photo_id)
            stamps.append(harvested)
            places.append(place)
            owners.append(n)
    older = [array("q") for _ in sources]
    order = sorted(range(len(ids)), key=ids.__getitem__)
    best = -1
    for n in order:
        if best < 0 or ids[n] != ids[best]:
            best = n
            continue
        worse, best = (n, best) if stamps[n] <= stamps[best] else (best, n)
        older[owners[worse]].append(places[worse])
    return [array("q", sorted(each)) for each in older]


def list_lines(source: Source) -> Iterator[tuple[int, bytes, int]]:
    """The id of each photo, when it was harvested, and where its line begins; UsageError where a line is damaged."""
    if not source.photos.bytes:
        return
    place = 0
    with io.BufferedReader(open_file(source.photos), _AT_ONCE) as file:
        for number, line in enumerate(file, 1):
            if place >= source.photos.bytes:
                return
            if (found := PREFIX.match(line)) is None:
                raise tell_damaged(source.photos, number)
            yield int(found[1]), found[2], place
            place += len(line)
