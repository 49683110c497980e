"""From lines of photos.ndjson to rows. Pure.

Rows are made a batch at a time, column by column, which takes half the time. What getInfo and getSizes tell counts
before the listing's row. A value that does not fit its column is null in the row and told as a reject; nothing that
Flickr may have sent makes a row fail.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, TypeAlias

import msgspec

from harvester.export.columns import COLUMNS
from harvester.export.convert import Misfit, read_local, read_stamp, show_value
from harvester.export.licenses import LICENSES, License
from harvester.export.reading import FURTHER, PLAIN, Buffer, read_members
from harvester.export.shapes import Contexts, Tag, Url
from harvester.export.table import Row, Size

Values: TypeAlias = Sequence[Any]
_KEPT = ("title", "description", "owner_username")
"""Texts that may be empty. Of all others an empty one is how Flickr says that there is none."""
_NAMES = tuple(column.name for column in PLAIN if column.kind == "text" and column.name not in _KEPT)
_MACHINE = frozenset({1, "1"})
_MEMBERS = (*(column.name for column in PLAIN), *(f"{name}_" for name in FURTHER))
_UNKNOWN = License(None, None)


class Reject(msgspec.Struct, frozen=True):
    """A value that its column cannot hold."""

    id: str
    column: str
    value: str
    reason: str


class Memberships(Protocol):
    """What an archive's lists know of a photo's whereabouts."""

    def find_albums(self, photo_id: str) -> list[str] | None:
        """Ids of the sets that hold a photo; None where no list tells of sets."""

    def find_collections(self, albums: Iterable[str]) -> list[str] | None:
        """Ids of the collections that hold one of these sets; None where no list tells of collections."""


class NoMemberships:
    """An archive without lists."""

    def find_albums(self, photo_id: str) -> list[str] | None:  # noqa: ARG002 - the protocol's signature
        """None."""
        return None

    def find_collections(self, albums: Iterable[str]) -> list[str] | None:  # noqa: ARG002
        """None."""
        return None


class RowMaker:
    """Makes rows. `rejects` takes what did not fit."""

    def __init__(self, memberships: Memberships, rejects: Callable[[Reject], None]) -> None:
        self._memberships = memberships
        self._reject = rejects

    def make_row(self, line: Buffer) -> Row:
        """The row of one line; BrokenLine where it is none."""
        values: dict[str, Any] = {}
        for column, (value,) in zip(COLUMNS, self.make_columns([line]), strict=True):
            values[column.name] = _to_time(value) if column.kind == "moment" else value
        return Row(**values)

    def make_columns(self, lines: Sequence[Buffer]) -> list[Values]:
        """The rows of some lines: for each column its values, of points in time the Unix seconds.

        BrokenLine where one of the lines is none.
        """
        members = self._read(lines)
        ids: Sequence[str] = members["id_"]
        made: dict[str, Values] = {column.name: members[column.name] for column in PLAIN}
        made |= {name: [value or None for value in made[name]] for name in _NAMES}
        made["id"] = ids
        self._add_times(made, members["harvested_at_"])
        _settle_places(made)
        _add_tags(made, members)
        _add_sizes(made, members["sizes_"])
        _add_pages(made, members["urls_"])
        _add_licenses(made)
        self._add_memberships(made, members["contexts_"])
        made["missing"] = [_tell_refusals(errors) if errors else None for errors in members["errors_"]]
        return [made[column.name] for column in COLUMNS]

    def _read(self, lines: Sequence[Buffer]) -> dict[str, Values]:
        rows = []
        odd: list[tuple[str, object, str]] = []
        for line in lines:
            rows.append(read_members(line, lambda *misfit: odd.append(misfit)))
            if odd:
                photo_id = rows[-1][len(PLAIN)]
                for column, value, reason in odd:
                    self._tell(photo_id, column, value, reason)
                odd.clear()
        return dict(zip(_MEMBERS, zip(*rows, strict=True), strict=True))

    def _tell(self, photo_id: str, column: str, value: object, reason: str) -> None:
        self._reject(Reject(photo_id, column, show_value(value), reason))

    def _map(self, name: str, convert: Callable[[Any], Any], values: Iterable[Any], ids: Iterable[str]) -> list[Any]:
        """Convert all; where one does not fit, it is None."""
        found = []
        for value, photo_id in zip(values, ids, strict=True):
            try:
                found.append(convert(value))
            except Misfit as misfit:
                self._tell(photo_id, name, value, str(misfit))
                found.append(None)
        return found

    def _add_times(self, made: dict[str, Values], stamps: Sequence[str]) -> None:
        """Many photos are fetched in the same second."""
        ids = made["id"]
        first = dict(zip(reversed(stamps), reversed(ids), strict=True))
        known = dict(zip(first, self._map("harvested_at", read_stamp, list(first), list(first.values())), strict=True))
        made["harvested_at"] = [known[stamp] for stamp in stamps]
        made["date_taken"] = self._map("date_taken", read_local, made["date_taken_text"], ids)

    def _add_memberships(self, made: dict[str, Values], contexts: Sequence[Contexts | None]) -> None:
        albums = [*map(self._memberships.find_albums, made["id"])]
        for n, told in enumerate(contexts):
            if told is not None:
                ids = (album.id for album in told.set if album.id)
                albums[n] = list(dict.fromkeys([*(albums[n] or ()), *ids]))
        made["albums"] = albums
        made["collections"] = [self._memberships.find_collections(each or ()) for each in albums]


def _to_time(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _settle_places(made: dict[str, Values]) -> None:
    """Flickr writes 0, 0 and accuracy 0 where there is no place. With accuracy 0 no coordinates mean anything."""
    names = ("latitude", "longitude", "geo_accuracy")
    places = zip(*(made[name] for name in names), strict=True)
    settled = [place if is_somewhere(*place) else (None, None, None) for place in places]
    made |= zip(names, zip(*settled, strict=True), strict=True)


def is_somewhere(latitude: float | None, longitude: float | None, accuracy: int | None) -> bool:
    """Whether these tell a place: Flickr writes 0, 0 and accuracy 0 where there is none."""
    if latitude is None or longitude is None or accuracy == 0:
        return False
    return accuracy is not None or latitude != 0 or longitude != 0


def _add_tags(made: dict[str, Values], members: Mapping[str, Values]) -> None:
    pairs = [*zip(members["tags_"], members["listed_tags_"], strict=True)]
    made["tags"] = [_split(listed) if tags is None else [tag.text or "" for tag in tags] for tags, listed in pairs]
    made["tags_raw"] = [None if tags is None else _list_raw(tags) for tags in members["tags_"]]
    machine = zip(members["tags_"], members["listed_machine_tags_"], strict=True)
    made["machine_tags"] = [_split(listed) if tags is None else _list_machine(tags) for tags, listed in machine]


def _list_raw(tags: Sequence[Tag]) -> list[str]:
    return [tag.text or "" if tag.raw is None else tag.raw for tag in tags]


def _list_machine(tags: Sequence[Tag]) -> list[str]:
    return [tag.raw or tag.text or "" for tag in tags if tag.machine_tag in _MACHINE]


def _split(text: str | None) -> list[str] | None:
    return None if text is None else text.split()


def _add_sizes(made: dict[str, Values], sizes: Sequence[list[Size] | None]) -> None:
    largest = [find_largest(each) if each else None for each in sizes]
    made["sizes"] = sizes
    made["url"] = [size and size.source for size in largest]
    made["width"] = [size and size.width for size in largest]
    made["height"] = [size and size.height for size in largest]


def find_largest(sizes: Sequence[Size]) -> Size | None:
    """The original, else the largest of the pictures. A video's streams are none."""
    largest, most = None, -1
    for size in reversed(sizes):
        if size.media != "video" and size.source:
            if size.label == "Original":
                return size
            area = (size.width or 0) * (size.height or 0)
            if area > most:
                largest, most = size, area
    return largest


def _add_pages(made: dict[str, Values], urls: Sequence[Sequence[Url]]) -> None:
    owners = [alias or owner for alias, owner in zip(made["owner_path_alias"], made["owner_id"], strict=True)]
    made["page_url"] = [
        _find_page(each) or (f"https://www.flickr.com/photos/{owner}/{photo_id}/" if owner else None)
        for each, owner, photo_id in zip(urls, owners, made["id"], strict=True)
    ]


def _find_page(urls: Sequence[Url]) -> str | None:
    for url in urls:
        if url.type == "photopage":
            return url.text
    return None


def _add_licenses(made: dict[str, Values]) -> None:
    ids = made["license_id"]
    made["license_name"], made["license_url"] = zip(*(LICENSES.get(each, _UNKNOWN) for each in ids), strict=True)
    authors = zip(made["owner_realname"], made["owner_username"], made["owner_id"], strict=True)
    made["attribution"] = [
        attribute(title, realname or username or owner, page, license_id)
        for title, (realname, username, owner), page, license_id in zip(
            made["title"], authors, made["page_url"], ids, strict=True
        )
    ]


def attribute(title: str | None, author: str | None, page: str | None, license_id: int | None) -> str | None:
    """`"Title" by Author (address), CC BY 2.0 (address)`, the title in one line."""
    if author is None or page is None:
        return None
    title = " ".join((title or "").split())
    work = f'"{title}" by {author}' if title else f"Untitled, by {author}"
    return f"{work} ({page}){_TERMS.get(license_id) or _tell_unknown(license_id)}"


def _tell_unknown(license_id: int | None) -> str:
    return "" if license_id is None else f", Flickr's licence {license_id}"


_TERMS: Mapping[int | None, str] = {
    n: f", {known.name} ({known.url})" if n else f", {known.name}" for n, known in LICENSES.items()
}


def _tell_refusals(errors: Mapping[str, Any]) -> str:
    return "; ".join(tell_refusal(part, error.code, error.message) for part, error in errors.items())


def tell_refusal(what: str, code: object, message: object) -> str:
    """`sizes: Permission denied (code 2)`"""
    told = f"{what}: {message or 'refused'}"
    return told if code is None else f"{told} (code {code})"
