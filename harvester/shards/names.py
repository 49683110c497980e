"""The names of the objects in a store: all that is known of a harvest's shards without reading one of them. Pure.

plan.json                       what is harvested; put once
ids/SHARD                       the ids of a range, one a line
splits/SHARD                    this shard was too big: its halves take its place
attempts/SHARD/NNNN             somebody runs it, the NNNNth to do so; holds until when, if nothing more is heard
parts/SHARD/NNNN/FIRST-END-SHA.ndjson.zst    lines that an attempt has published, by their bytes in its file
parts/SHARD/NNNN/OTHER          its other files and its checkpoint
commits/SHARD                   it is done; names the parts that count, with their checksums; put once
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from harvester.shards.shard import Shard

PLAN = "plan.json"
SPLITS, ATTEMPTS, PARTS, COMMITS, IDS = "splits", "attempts", "parts", "commits", "ids"
_LINES = re.compile(r"(\d{12})-(\d{12})-([0-9a-f]{16})\.ndjson\.zst", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Lines:
    """Published lines: which attempt's, and which bytes of its file."""

    attempt: int
    begin: int
    end: int
    sha: str
    """The beginning of the sha256 of these bytes."""
    key: str


def name_split(shard: Shard) -> str:
    """The mark that a shard is cut in two."""
    return f"{SPLITS}/{shard}"


def name_ids(shard: Shard) -> str:
    """The ids of a range."""
    return f"{IDS}/{shard}"


def name_commit(shard: Shard) -> str:
    """What says that a shard is done."""
    return f"{COMMITS}/{shard}"


def name_attempt(shard: Shard, number: int) -> str:
    """The mark of somebody who runs a shard."""
    return f"{ATTEMPTS}/{shard}/{number:04}"


def name_parts(shard: Shard, number: int) -> str:
    """The folder of what an attempt has published."""
    return f"{PARTS}/{shard}/{number:04}"


def name_lines(shard: Shard, number: int, *, begin: int, end: int, sha256: str) -> str:
    """Lines of an attempt: bytes `begin` to `end` of its photos, and the sha256 of these bytes."""
    return f"{name_parts(shard, number)}/{begin:012}-{end:012}-{sha256[:16]}.ndjson.zst"


def read_attempt(key: str) -> tuple[str, int] | None:
    """Shard and number of an attempt's mark; None of any other name."""
    _, _, rest = key.partition("/")
    shard, slash, number = rest.partition("/")
    return (shard, int(number)) if slash and number.isascii() and number.isdigit() else None


def read_lines(key: str) -> Lines | None:
    """What published lines are; None of any other name."""
    *_, number, name = key.split("/")
    found = _LINES.fullmatch(name)
    if found is None or not (number.isascii() and number.isdigit()):
        return None
    return Lines(int(number), int(found[1]), int(found[2]), found[3], key)


def join_lines(keys: list[str]) -> list[Lines]:
    """The published lines of all attempts at a shard, in the order in which they are taken over.

    Of an attempt count those that follow each other without a gap; of two that begin alike the longer one, which was
    put when the answer to the other had been lost.
    """
    taken: list[Lines] = []
    for each in sorted(filter(None, map(read_lines, keys)), key=lambda lines: (lines.attempt, lines.begin, -lines.end)):
        last = taken[-1] if taken and taken[-1].attempt == each.attempt else None
        if last is None or each.begin == last.end:
            taken.append(each)
    return taken
