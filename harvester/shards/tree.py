"""How far the shards of a harvest are, out of the names in its store. Pure.

A shard that is committed is a leaf for good: a mark that comes later does not take it back. Otherwise one with a mark
of a split is its two halves. So what is complete once stays so, in whatever order the names have come.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from harvester.shards.names import ATTEMPTS, COMMITS, SPLITS, read_attempt
from harvester.shards.shard import Shard, halve, parse_shard


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """The names in a store, by what they say; shards by their ids."""

    splits: frozenset[str] = frozenset()
    commits: frozenset[str] = frozenset()
    attempts: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A shard that is to be run or was run. `attempt` is the number of the last one at it; 0 where there was none."""

    shard: Shard
    attempt: int = 0
    is_committed: bool = False


def read_marks(keys: Iterable[str]) -> Marks:
    """The names that say how far the shards are; others are passed over."""
    splits, commits, attempts = set[str](), set[str](), list[tuple[str, int]]()
    for key in keys:
        kind, _, rest = key.partition("/")
        if kind == SPLITS:
            splits.add(rest)
        elif kind == COMMITS:
            commits.add(rest)
        elif kind == ATTEMPTS and (found := read_attempt(key)) is not None:
            attempts.append(found)
    return Marks(splits=frozenset(splits), commits=frozenset(commits), attempts=tuple(attempts))


def find_leaves(roots: Iterable[str], marks: Marks, *, newest_first: bool = True) -> list[Leaf]:
    """The shards that take the place of the roots by now, in the order of the plan."""
    last: dict[str, int] = {}
    for shard_id, number in marks.attempts:
        last[shard_id] = max(number, last.get(shard_id, 0))
    return [
        Leaf(shard=shard, attempt=last.get(shard.id, 0), is_committed=shard.id in marks.commits)
        for root in roots
        for shard in _unfold(parse_shard(root), marks, newest_first=newest_first)
    ]


def _unfold(root: Shard, marks: Marks, *, newest_first: bool) -> Iterator[Shard]:
    stack = [root]
    while stack:
        shard = stack.pop()
        is_cut = shard.id in marks.splits and shard.id not in marks.commits
        halves = halve(shard) if is_cut else None
        if halves is None:
            yield shard
        else:
            stack += halves if newest_first else halves[::-1]


def is_within(shard: Shard, whole: Shard) -> bool:
    """Whether a shard is the other one, or a piece of it."""
    if shard.kind != "time" or whole.kind != "time":
        return shard == whole
    return whole.since <= shard.since and shard.until <= whole.until


def find_fault(shards: Sequence[Shard], roots: Iterable[str]) -> str:
    """What keeps the shards from tiling the roots, without a gap and without an overlap; "" where they do."""
    wanted = [parse_shard(root) for root in roots]
    there, asked = _count_whole(shards), _count_whole(wanted)
    if there != asked:
        return f"{', '.join(sorted(shard.id for shard in (there - asked) + (asked - there)))} is missing, or too much"
    stretches = sorted((shard.since, shard.until) for shard in shards if shard.kind == "time")
    spans = [(root.since, root.until) for root in wanted if root.kind == "time"]
    if not spans:
        return f"{len(stretches)} stretches of time are no part of what was asked" if stretches else ""
    return _find_hole([(0, spans[0][0] - 1), *stretches, (spans[0][1] + 1, spans[0][1] + 1)])


def _count_whole(shards: Iterable[Shard]) -> Counter[Shard]:
    """How often each shard is there that is never cut."""
    return Counter(shard for shard in shards if shard.kind != "time")


def _find_hole(stretches: Sequence[tuple[int, int]]) -> str:
    for (_, end), (begin, _) in pairwise(stretches):
        if begin != end + 1:
            fault = "a gap" if begin > end else "an overlap"
            return f"between the seconds {end} and {begin} of upload there is {fault}"
    return ""
