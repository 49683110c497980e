"""What Flickr claims of an account's sets, beside what is there, and what it refuses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from harvester.archive.checkpoint.state import State
from harvester.flickr.counts import count_members
from harvester.jobs.model import Account, Source

_MOST_REASONS = 3
_WHY = "the others may be private, not safe, or deleted"


class _Reason(msgspec.Struct, frozen=True):
    """Why Flickr refuses a list."""

    code: int
    message: str

    def __str__(self) -> str:
        return f"{self.message} (code {self.code})"


class _Line(msgspec.Struct):
    photoset: dict[str, Any] | None = None
    photo_ids: list[str] | None = None
    errors: dict[str, _Reason] = {}

    @property
    def is_short(self) -> bool:
        """Whether a set shows fewer photos than it claims. A refused one shows none, and is told as refused."""
        return (
            self.photoset is not None and not self.errors and count_members(self.photoset) > len(self.photo_ids or ())
        )


_line = msgspec.json.Decoder(_Line)


def tell_claims(source: Source, state: State, folder: Path) -> list[str]:
    """Sentences on an account's archive that is complete: what Flickr claims of its sets beyond what is there."""
    if not isinstance(source, Account):
        return []
    told = []
    if "photosets" in source.kinds and (short := sum(line.is_short for line in _read_lines(folder, "photosets"))):
        sets = "1 set shows" if short == 1 else f"{short:,} sets show"
        told.append(f"{sets} fewer photos than Flickr claims: {_WHY}.")
    return [*told, *_tell_refused(state, folder)]


def _tell_refused(state: State, folder: Path) -> Iterator[str]:
    """Sentences on what Flickr refuses: whole kinds, and the photos of sets and galleries."""
    for known in state.facts.refusals or []:
        kind = known["list"].removeprefix("own_")
        yield f"Flickr refuses the {kind}: {_Reason(known['code'], known['message'])}."
    for name, one, many in (("photosets", "1 set", "sets"), ("galleries", "1 gallery", "galleries")):
        reasons = Counter(reason for line in _read_lines(folder, name) for reason in line.errors.values())
        for reason, count in reasons.most_common(_MOST_REASONS):
            yield f"Flickr refuses the photos of {one if count == 1 else f'{count:,} {many}'}: {reason}."


def _read_lines(folder: Path, name: str) -> Iterator[_Line]:
    """The lines of a file of lists. A damaged one is for `verify` to tell."""
    path = folder / f"{name}.ndjson"
    if not path.exists():
        return
    with path.open("rb") as lines:
        for line in lines:
            with suppress(msgspec.DecodeError):
                yield _line.decode(line)
