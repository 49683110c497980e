"""What Flickr claims of an account, beside what is there, and why the two may differ."""

from __future__ import annotations

from pathlib import Path

import msgspec

from harvester.answers import read_number
from harvester.archive import is_at_limit
from harvester.model import Account, Source
from harvester.sinks import PHOTOS
from harvester.state import State

_WHY = "the others may be private, not safe, or deleted"


class _Head(msgspec.Struct):
    """A set's claims: `photos` counts without videos, and comes as `count_photos` too."""

    photos: int | str | None = None
    videos: int | str | None = None
    count_photos: int | str | None = None
    count_videos: int | str | None = None

    @property
    def claimed(self) -> int:
        photos, videos = read_number(self.count_photos), read_number(self.count_videos)
        photos = read_number(self.photos) if photos is None else photos
        return (photos or 0) + ((read_number(self.videos) if videos is None else videos) or 0)


class _Line(msgspec.Struct):
    photoset: _Head
    photo_ids: list[str] | None = None


_line = msgspec.json.Decoder(_Line)


def tell_claims(source: Source, state: State, folder: Path) -> list[str]:
    """Sentences on an account's archive that is complete: what Flickr claims beyond what is there."""
    if not isinstance(source, Account):
        return []
    told = []
    claimed, photos = state.recall("expected"), state.length(PHOTOS).lines
    is_comparable = "photos" in source.kinds and not source.hydrated and not is_at_limit(state)
    if is_comparable and claimed is not None and claimed > photos:
        told.append(f"Flickr claims {claimed:,} photos of the account, and {photos:,} are here: {_WHY}.")
    if "photosets" in source.kinds and (short := _count_short(folder / "photosets.ndjson")):
        sets = "1 set shows" if short == 1 else f"{short:,} sets show"
        told.append(f"{sets} fewer photos than Flickr claims: {_WHY}.")
    return told


def _count_short(path: Path) -> int:
    """Sets that show fewer photos than they claim."""
    short = 0
    if not path.exists():
        return 0
    with path.open("rb") as lines:
        for line in lines:
            try:
                known = _line.decode(line)
            except msgspec.DecodeError:
                continue
            short += known.photoset.claimed > len(known.photo_ids or ())
    return short
