"""`make simulate`: a harvest of 100 million photos on many machines, reckoned without one call.

The catalogue is made up: uploads grow over the years, follow day and week, and come in bursts. How it is cut is what
the program itself does (`harvester.shards.shard.halve`). Who takes a shard, is lost and is replaced is simulated, event
by event. What a store and a merge cost is arithmetic on what is counted here.
"""

from __future__ import annotations

import argparse
import heapq
import math
import random
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from harvester.listing.sweep import FLICKR_BEGAN
from harvester.shards.shard import PHOTOS, Shard, build_stretch, halve

HOUR = 3600
END = 1_798_761_600
"""2027-01-01."""
QUOTA = 3600
"""Calls of a key in an hour."""
PER_PAGE = 500
NAMES_PER_LISTING = 1000
"""Of objects, in one answer of a store."""
LINE_BYTES, STORED_BYTES = 8_000, 700
"""Of a photo: as it is in an archive, and as a published part has it."""
PUBLISH_EVERY, LEASE = 300.0, 300.0
"""Seconds, as `shard run` has them if nothing else is said."""
MERGED_PER_SECOND = 15_000
"""Lines that one core merges."""
FEWEST = 4
"""Machines, so that one may be lost."""
LOST_AFTER = 24 * HOUR
"""How long a machine lasts in the mean, in seconds."""


class Catalogue:
    """How many photos were uploaded when, by the hour."""

    def __init__(self, photos: int, *, seed: int = 7) -> None:
        rng = random.Random(seed)
        weights = []
        for hour in range((END - FLICKR_BEGAN) // HOUR):
            grown = 1 - math.exp(-hour / 30_000)
            daily = 1 + 0.8 * math.sin(2 * math.pi * (hour % 24) / 24)
            weekly = 1.4 if hour // 24 % 7 >= 5 else 0.85
            weights.append(grown * daily * weekly * min(rng.paretovariate(1.6), 40))
        share = photos / sum(weights)
        self._until = [0.0, *accumulate(weight * share for weight in weights)]

    def count(self, shard: Shard) -> int:
        """Photos of a stretch."""
        return round(self._before(shard.until + 1)) - round(self._before(shard.since))

    def _before(self, second: int) -> float:
        hour, rest = divmod(min(max(second, FLICKR_BEGAN), END) - FLICKR_BEGAN, HOUR)
        begin, end = self._until[min(hour, len(self._until) - 1)], self._until[min(hour + 1, len(self._until) - 1)]
        return begin + (end - begin) * rest / HOUR


@dataclass(frozen=True, slots=True)
class Cut:
    """How a harvest is cut."""

    leaves: tuple[int, ...]
    """Photos of each shard, the newest first."""
    splits: int
    deepest: int


def cut(catalogue: Catalogue, *, photos: int = PHOTOS) -> Cut:
    """Cut a search through all time as those who take its shards do: what has too many photos is halved."""
    leaves, splits, deepest = list[int](), 0, 0
    stack = [(build_stretch(0, END - 1), 0)]
    while stack:
        shard, depth = stack.pop()
        count = catalogue.count(shard)
        halves = halve(shard) if count > photos else None
        if halves is None:
            leaves.append(count)
            deepest = max(deepest, depth)
        else:
            splits += 1
            stack += [(half, depth + 1) for half in halves]
    return Cut(tuple(leaves), splits, deepest)


def count_calls(photos: int, *, parts: int) -> int:
    """The calls of a shard: its count, its listing, and so many for each photo."""
    return 1 + max(math.ceil(photos / PER_PAGE * 1.02), 1) + photos * parts


@dataclass(frozen=True, slots=True)
class Course:
    """What came of a harvest on machines of which some are lost."""

    seconds: float
    calls: int
    again: int
    """Calls that were made again, since what they had brought was lost with a machine."""
    lost: int
    """Machines."""
    attempts: int
    parts: int


def run(found: Cut, *, takers: int, keys: int, parts: int, lost_after: float = LOST_AFTER, seed: int = 7) -> Course:
    """Takers share the keys' quota alike. Each is lost after `lost_after` seconds in the mean, and replaced at once.

    Its shard is free again when its lease has ended; who takes it begins with what was published.
    """
    rng = random.Random(seed)
    pace = keys * QUOTA / HOUR / takers
    waiting = [(0.0, number, count_calls(count, parts=parts)) for number, count in enumerate(found.leaves)]
    free = [(0.0, taker) for taker in range(takers)]
    dies = [rng.expovariate(1 / lost_after) for _ in free]
    calls = again = lost = attempts = published = 0
    end = 0.0
    while waiting:
        since, shard, left = heapq.heappop(waiting)
        at, taker = heapq.heappop(free)
        at, attempts = max(at, since), attempts + 1
        while dies[taker] <= at:
            dies[taker] += rng.expovariate(1 / lost_after)
        lasts = min(left / pace, dies[taker] - at)
        heapq.heappush(free, (at + lasts, taker))
        if lasts == left / pace:
            calls, published, end = calls + left, published + math.ceil(lasts / PUBLISH_EVERY), max(end, at + lasts)
            continue
        kept, made = int(lasts // PUBLISH_EVERY * PUBLISH_EVERY * pace), int(lasts * pace)
        calls, again, lost = calls + made, again + made - kept, lost + 1
        published += int(lasts // PUBLISH_EVERY)
        heapq.heappush(waiting, (at + lasts + LEASE, shard, left - kept))
    return Course(end, calls, again, lost, attempts, published)


def count_listings(found: Cut, attempts: int) -> int:
    """Answers of the store that list its marks: once for each shard that is taken or cut, and ever longer."""
    names_at_end = found.splits + 2 * len(found.leaves)
    return round((attempts + found.splits) * max(names_at_end / 2 / NAMES_PER_LISTING, 1))


def report(photos: int, *, keys: Sequence[int], takers: int) -> Iterator[str]:
    """The lines of the report, as the guide has them."""
    found = cut(Catalogue(photos))
    sizes = sorted(found.leaves)
    hours = photos / MERGED_PER_SECOND / HOUR
    yield f"{photos:,} photos, shards of at most {PHOTOS:,}"
    yield f"  shards   {len(sizes):,}, of {sizes[len(sizes) // 2]:,} photos in the middle and {sizes[-1]:,} at most"
    yield f"  larger   {len(sizes) - bisect_right(sizes, PHOTOS):,}, since an hour is not cut"
    yield f"  cuts     {found.splits:,}, one in another up to {found.deepest} deep; each costs a call"
    yield f"  storage  {photos * LINE_BYTES / 1e12:.2f} TB of lines, {photos * STORED_BYTES / 1e9:,.0f} GB in the store"
    yield f"  merge    {hours:.1f} h on one core, {hours / 16 * 60:.0f} min as 16 plans side by side"
    yield ""
    yield f"Each machine is lost after {LOST_AFTER // HOUR} hours in the mean, and each has its share of the quota:"
    yield ""
    yield (
        "| keys | shards in flight | calls a photo | days | machines lost | calls made again | idle at the end "
        "| objects | listings |"
    )
    yield "|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
    for number in keys:
        flying = min(max(number, FEWEST), takers)
        for parts in (2, 1):
            course = run(found, takers=flying, keys=number, parts=parts)
            yield f"| {number:,} | {flying:,} {_tell(found, photos, course, keys=number)}"


def _tell(found: Cut, photos: int, course: Course, *, keys: int) -> str:
    busy = (course.calls / keys / QUOTA) * HOUR
    objects = found.splits + len(found.leaves) + course.attempts + course.parts
    return (
        f"| {(course.calls + found.splits) / photos:.2f} | {course.seconds / 86_400:,.1f} | {course.lost:,} "
        f"| {course.again / course.calls:.1%} | {1 - busy / course.seconds:.1%} | {objects / 1e6:.1f} million "
        f"| {count_listings(found, course.attempts) / 1e6:,.1f} million |"
    )


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=100_000_000)
    parser.add_argument("--takers", type=int, default=1000)
    parser.add_argument("--keys", type=int, nargs="+", default=[1, 100, 1000])
    given = parser.parse_args()
    for line in report(given.photos, keys=given.keys, takers=given.takers):
        print(line)  # noqa: T201


if __name__ == "__main__":
    main()
