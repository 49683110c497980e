"""The sizes of a photo, and which of them is asked for. Pure.

Flickr names a size by its longer side, so `1024` is the smallest size whose longer side has at least so many pixels.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harvester.errors import UsageError, show
from harvester.flickr.lenient_json import read_number
from harvester.flickr.sizes import LISTED_SIZES

ORIGINAL, LARGEST = "original", "largest"
_VIDEOS = ("Video Original", "1080p", "720p", "480p", "360p", "288p", "Site MP4", "HD MP4", "Mobile MP4")
_LABELS = {label.casefold(): label for label in (*LISTED_SIZES.values(), *_VIDEOS)}
_NAMES = {label: letters for letters, label in LISTED_SIZES.items()}
_CROPPED = ("Square", "Large Square")
_ADDRESS = re.compile(r"https?://[!-~]+", re.IGNORECASE)
_TYPES = ("jpg", "jpeg", "png", "gif", "tif", "tiff", "webp", "mp4", "mov", "avi", "wmv", "mpg")


@dataclass(frozen=True, slots=True)
class Size:
    """One of the sizes of a photo, as Flickr tells of it; a side that is not told is 0."""

    label: str
    width: int
    height: int
    address: str
    is_video: bool = False

    @property
    def side(self) -> int:
        """The longer one."""
        return max(self.width, self.height)

    @property
    def is_address(self) -> bool:
        """Whether it can be fetched, and stands on one line: printable ASCII that begins with http."""
        return _ADDRESS.fullmatch(self.address) is not None

    def name_file(self, photo_id: str) -> str:
        """A file's name, of the id, this program's own name of the size, and an ending that it knows."""
        tail = _NAMES.get(self.label) or ("video" if self.is_video else str(self.side))
        path = re.split("[?#]", self.address)[0]
        ending = path.rpartition(".")[2].lower()
        known = ending if ending in _TYPES else "mp4" if self.is_video else "jpg"
        return f"{photo_id}_{tail}.{known}"


Choice = Callable[[list[Size]], Size | None]
"""Takes the sizes of a photo; None where it has none that was asked for."""


def read_choice(text: str) -> Choice:
    """What `--size` asks for: `original`, `largest`, a label, its letter, or pixels. UsageError where it is none."""
    wanted = " ".join(text.split()).casefold()
    if wanted == ORIGINAL:
        return _choose_original
    if wanted == LARGEST:
        return _choose_largest
    if wanted.isascii() and wanted.isdigit() and len(wanted) < 7:
        return _choose_wide(int(wanted))
    label = LISTED_SIZES.get(wanted) or _LABELS.get(wanted)
    if label is None:
        near = difflib.get_close_matches(wanted, [ORIGINAL, LARGEST, *_LABELS], n=1)
        advice = (
            f"did you mean {_LABELS.get(near[0], near[0])!r}?" if near else "write original, largest, Large or 1024."
        )
        raise UsageError(f"{show(text)} is no size: {advice}", field="size")
    return lambda sizes: _find(sizes, label)


def list_sizes(record: Mapping[str, Any]) -> list[Size]:
    """All that a line tells of: what getSizes has answered, else what the listing's row has."""
    return [*_read_sizes(record.get("sizes"))] or [*_read_row(record.get("search"))]


def _read_sizes(told: object) -> Iterator[Size]:
    rows = told.get("size") if isinstance(told, dict) else None
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and row.get("label") != "Video Player":
            label, address = str(row.get("label")), _read_address(row.get("source"))
            yield Size(label, _side(row.get("width")), _side(row.get("height")), address, row.get("media") == "video")


def _read_row(row: object) -> Iterator[Size]:
    if not isinstance(row, dict):
        return
    for letters, label in LISTED_SIZES.items():
        if row.get(f"url_{letters}"):
            sides = _side(row.get(f"width_{letters}")), _side(row.get(f"height_{letters}"))
            yield Size(label, *sides, _read_address(row[f"url_{letters}"]))


def _read_address(value: object) -> str:
    return value if isinstance(value, str) else ""


def _side(value: object) -> int:
    return max(read_number(value) or 0, 0)


def _find(sizes: list[Size], label: str) -> Size | None:
    return next((size for size in sizes if size.label.casefold() == label.casefold()), None)


def _choose_original(sizes: list[Size]) -> Size | None:
    return _find(sizes, "Video Original") or _find(sizes, "Original")


def _choose_largest(sizes: list[Size]) -> Size | None:
    videos = [size for size in sizes if size.is_video]
    whole = videos or [size for size in sizes if size.label not in _CROPPED]
    return _find(videos, "Video Original") or max(whole, key=lambda size: size.width * size.height, default=None)


def _choose_wide(pixels: int) -> Choice:
    def choose(sizes: list[Size]) -> Size | None:
        wide = [s for s in sizes if not s.is_video and s.label not in _CROPPED and s.side >= pixels]
        return min(wide, key=lambda size: size.side, default=None)

    return choose
