"""How many photos a set or gallery has, as its row tells. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harvester.flickr.lenient_json import read_number

_PHOTOS = ("count_photos", "photos")
_VIDEOS = ("count_videos", "videos")
COUNTS = (*_PHOTOS, *_VIDEOS)
"""The members of a row that count. `photos` and `count_photos` count without videos."""


def count_members(row: Mapping[str, Any]) -> int:
    """Photos and videos together, by a set's or gallery's row; what it does not tell counts as none."""
    return _find(row, _PHOTOS) + _find(row, _VIDEOS)


def _find(row: Mapping[str, Any], names: tuple[str, ...]) -> int:
    return next((number for name in names if (number := read_number(row.get(name))) is not None), 0)
