"""The tables of an SQLite export. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from harvester.export.columns import COLUMNS, Kind
from harvester.export.texts import encode_json, write_moment

Rows: TypeAlias = dict[str, list[tuple[Any, ...]]]
"""Rows to be inserted, by table."""
_OWNER = ("owner_id", "owner_username", "owner_realname", "owner_path_alias")
_ELSEWHERE = {*_OWNER[1:], "tags_raw", "machine_tags", "sizes", "albums", "collections"}
_KEPT = [(n, column) for n, column in enumerate(COLUMNS) if column.name not in _ELSEWHERE]
_PLACE = {column.name: n for n, column in enumerate(COLUMNS)}
_SQL_TYPES: Mapping[Kind, str] = {
    **dict.fromkeys(("int16", "int32", "int64", "bool"), "INTEGER"),
    "float64": "REAL",
    **dict.fromkeys(("text", "moment", "local", "texts"), "TEXT"),
}
PHOTO_COLUMNS = tuple(column.name for _, column in _KEPT)


def _list_photo_columns() -> str:
    types = [f"{column.name} {_SQL_TYPES[column.kind]}" for _, column in _KEPT]
    types[0] = "id INTEGER PRIMARY KEY"
    return ", ".join(f"{each} REFERENCES people(id)" if each.startswith("owner_id ") else each for each in types)


SCHEMA = f"""
CREATE TABLE people(id TEXT PRIMARY KEY, username TEXT, realname TEXT, path_alias TEXT) WITHOUT ROWID;
CREATE TABLE photos({_list_photo_columns()});
CREATE TABLE tags(tag TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE photo_tags(photo_id INTEGER REFERENCES photos(id), position INTEGER, tag TEXT REFERENCES tags(tag),
    raw TEXT, is_machine INTEGER, PRIMARY KEY(photo_id, position)) WITHOUT ROWID;
CREATE TABLE photo_sizes(photo_id INTEGER REFERENCES photos(id), position INTEGER, label TEXT, width INTEGER,
    height INTEGER, source TEXT, url TEXT, media TEXT, PRIMARY KEY(photo_id, position)) WITHOUT ROWID;
CREATE TABLE albums(id TEXT PRIMARY KEY, owner_id TEXT REFERENCES people(id), title TEXT, description TEXT,
    primary_photo_id TEXT, photos INTEGER) WITHOUT ROWID;
CREATE TABLE album_photos(album_id TEXT REFERENCES albums(id), position INTEGER,
    photo_id INTEGER REFERENCES photos(id), PRIMARY KEY(album_id, position)) WITHOUT ROWID;
CREATE TABLE collections(id TEXT PRIMARY KEY, parent_id TEXT REFERENCES collections(id), title TEXT,
    description TEXT) WITHOUT ROWID;
CREATE TABLE collection_albums(collection_id TEXT REFERENCES collections(id), album_id TEXT REFERENCES albums(id),
    PRIMARY KEY(collection_id, album_id)) WITHOUT ROWID;
CREATE TABLE comments(id TEXT PRIMARY KEY, photo_id INTEGER REFERENCES photos(id),
    author_id TEXT REFERENCES people(id), created TEXT, text TEXT, permalink TEXT) WITHOUT ROWID;
CREATE TABLE errors(photo_id INTEGER PRIMARY KEY REFERENCES photos(id), reason TEXT);
"""
"""Photo ids are numbers here: SQLite keeps them by the row's own number, which makes the file a third smaller."""
FINISH = """
INSERT OR IGNORE INTO tags SELECT tag FROM photo_tags;
INSERT OR IGNORE INTO people(id) SELECT owner_id FROM albums WHERE owner_id IS NOT NULL;
DELETE FROM album_photos WHERE photo_id NOT IN (SELECT id FROM photos);
DELETE FROM collection_albums WHERE album_id NOT IN (SELECT id FROM albums);
INSERT INTO errors SELECT id, missing FROM photos WHERE missing IS NOT NULL;
CREATE INDEX photos_owner_id ON photos(owner_id);
CREATE INDEX photos_date_posted ON photos(date_posted);
CREATE INDEX photos_date_taken ON photos(date_taken);
CREATE INDEX photos_license_id ON photos(license_id);
CREATE INDEX photo_tags_tag ON photo_tags(tag);
CREATE INDEX album_photos_photo_id ON album_photos(photo_id);
CREATE INDEX collections_parent_id ON collections(parent_id);
CREATE INDEX collection_albums_album_id ON collection_albums(album_id);
CREATE INDEX comments_photo_id ON comments(photo_id);
CREATE INDEX comments_author_id ON comments(author_id);
"""
"""What is done when all rows are there. Members of a set that the archive has no line of have none here either."""
SEARCH = """
CREATE VIRTUAL TABLE photos_fts USING fts5(title, description, tags, content="photos", content_rowid="id");
INSERT INTO photos_fts(photos_fts) VALUES('rebuild');
"""
"""Datasette knows the table that belongs to it by these very quotes."""


class _Comment(msgspec.Struct, gc=False):
    id: str
    author: str | None = None
    authorname: str | None = None
    realname: str | None = None
    path_alias: str | None = None
    datecreate: int | None = None
    permalink: str | None = None
    text: str | None = msgspec.field(name="_content", default=None)


class _Comments(msgspec.Struct, gc=False):
    comment: list[_Comment] = []


class _Commented(msgspec.Struct, gc=False):
    id: str
    comments: _Comments | None = None


_read_comments = msgspec.json.Decoder(_Commented, strict=False).decode


def _turn(kind: Kind) -> Callable[[Any], Any] | None:
    """How SQLite holds a value of a kind."""
    turns: Mapping[Kind, Callable[[Any], Any]] = {
        "moment": write_moment,
        "local": lambda value: value.isoformat(),
        "texts": lambda value: encode_json(value).decode(),
    }
    return turns.get(kind)


_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)
_TURNS = [(n, _turn(column.kind)) for n, column in _KEPT]


def build_rows(values: Sequence[Sequence[Any]]) -> Rows:
    """The rows of some photos in all tables, given column by column."""
    owners = [*zip(*(values[_PLACE[name]] for name in _OWNER), strict=True)]
    values = _put_in_order(values)
    ids = values[_PLACE["id"]]
    cells = [
        values[n] if turn is None else [None if value is None else turn(value) for value in values[n]]
        for n, turn in _TURNS
    ]
    return {
        "people": [*dict.fromkeys(owner for owner in owners if owner[0])],
        "photos": [*zip(*cells, strict=True)],
        "photo_tags": [*_list_tags(ids, *(values[_PLACE[name]] for name in ("tags", "tags_raw", "machine_tags")))],
        "photo_sizes": [
            (photo_id, n, size.label, size.width, size.height, size.source, size.url, size.media)
            for photo_id, sizes in zip(ids, values[_PLACE["sizes"]], strict=True)
            for n, size in enumerate(sizes or ())
        ],
    }


def _put_in_order(values: Sequence[Sequence[Any]]) -> list[Sequence[Any]]:
    """The photos by their ids, which become numbers: SQLite is swift, and fills its pages, where rows come in order."""
    place = _PLACE["id"]
    ids = [int(each) if _NUMBER.fullmatch(each) else each for each in values[place]]
    order = sorted(range(len(ids)), key=lambda n: (len(values[place][n]), values[place][n]))
    return [[column[n] for n in order] for column in (*values[:place], ids, *values[place + 1 :])]


def _list_tags(
    ids: Sequence[Any], tags: Sequence[Any], raws: Sequence[Any], machines: Sequence[Any]
) -> Iterator[tuple[Any, ...]]:
    for photo_id, some, raw, machine in zip(ids, tags, raws, machines, strict=True):
        if some:
            known = {*machine} if machine else ()
            for n, (tag, text) in enumerate(zip(some, raw or some, strict=True)):
                yield photo_id, n, tag, text if raw else None, int(text in known)


def build_comments(lines: Iterable[Any]) -> Rows:
    """The comments of those lines that have some, and who wrote them."""
    people: dict[tuple[Any, ...], None] = {}
    comments = []
    for line in lines:
        found = _read_comments(line)
        for each in found.comments.comment if found.comments else ():
            people[each.author, each.authorname, each.realname or None, each.path_alias or None] = None
            created = None if each.datecreate is None else write_moment(each.datecreate)
            comments.append((each.id, found.id, each.author, created, each.text, each.permalink))
    return {"people": [person for person in people if person[0]], "comments": comments}


def build_albums(lines: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """A table and a row of it, for the sets of an archive and their members."""
    for line in lines:
        found = _dict(line.get("photoset"))
        members = line.get("photo_ids") or ()
        title, description = (_text(found.get(name)) for name in ("title", "description"))
        yield "albums", (line["id"], found.get("owner"), title, description, found.get("primary"), len(members))
        yield from (("album_photos", (line["id"], n, photo_id)) for n, photo_id in enumerate(members))


def build_collections(lines: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """The same of its collections and the sets in them."""
    waiting: list[tuple[Any, str | None]] = [(line.get("collection"), None) for line in lines]
    while waiting:
        found, parent = waiting.pop()
        found = _dict(found)
        if not isinstance(found.get("id"), str):
            continue
        yield "collections", (found["id"], parent, _text(found.get("title")), _text(found.get("description")))
        for each in found.get("set") or ():
            yield "collection_albums", (found["id"], _dict(each).get("id"))
        waiting += [(each, found["id"]) for each in found.get("collection") or ()]


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    found = value.get("_content") if isinstance(value, dict) else value
    return found if isinstance(found, str) else None
