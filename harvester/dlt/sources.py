"""The sources that dlt loads."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeAlias, Unpack, cast

import dlt
import pyarrow as pa
from dlt.extract import DltResource, DltSource

from harvester.archive.folder import is_told_complete
from harvester.dlt.lists import ERROR_SCHEMA, GONE, LIST_SCHEMA, MEANINGS, TABLES, read_errors, read_list
from harvester.dlt.photos import read_photos
from harvester.errors import UsageError, show
from harvester.export.columns import COLUMNS
from harvester.flickr.methods import Detail, SizesFrom
from harvester.jobs.model import Account, Search, Source
from harvester.python.blocking import Archive, Options, harvest

Folder: TypeAlias = str | os.PathLike[str]
Hints: TypeAlias = dict[str, dict[str, Any]]
_MERGE = {"disposition": "merge", "deduplicated": True}
"""An archive holds an id once, so that nobody need look for it twice in what is loaded."""
_LOCAL = {"data_type": "timestamp", "timezone": False}


def flickr_archive(*folders: Folder) -> DltSource:
    """A dlt source of archives on the disk; no call is made.

        pipeline.run(flickr_archive("monkeys"))

    Resources are `photos` (the columns of `harvester export`, merged on `id`), `albums`, `collections`, `galleries`,
    `groups`, `favorites`, `contacts`, `people`, and `errors` with what could not be had. A further load by the same
    pipeline reads only photos harvested since, by archive, and lists that have changed. Of a photo that several of the
    archives hold, the newest row is taken. A harvest may be at work there. Where a destination cannot merge, as plain
    files, `pipeline.run(…, write_disposition="replace")` writes all anew. Raises UsageError where a folder holds no
    archive.
    """
    if not folders:
        raise UsageError("name the folder of an archive.", field="folders")
    paths = list(dict.fromkeys(Archive(folder).folder.resolve() for folder in folders))
    return _build_source(paths)


def flickr_search(
    search: Search | Mapping[str, Any],
    *,
    archive: Folder,
    detail: Detail = "full",
    sizes: SizesFrom = "call",
    extras: Sequence[str] = (),
    limit: int | None = None,
    update: bool = True,
    allow_incomplete: bool = False,
    **options: Unpack[Options],
) -> DltSource:
    """Harvest a search into an archive, or bring that archive up to date, then `flickr_archive(archive)`.

        pipeline.run(flickr_search({"tags": "monkey"}, archive="monkeys"))

    `search` is a Search or its fields. The harvest goes on where an earlier one ended, within the quota, and ends
    before anything is loaded: a load that fails and is tried again makes no call for what the archive holds. An archive
    that is complete gets what is new, changed and gone, unless `update` is false or there is a `limit`. Raises what
    `harvester.harvest` raises; Incomplete where something is missing, unless `allow_incomplete` is true.
    """
    source = search if isinstance(search, Search) else _read_search(search)
    return _load(
        source,
        Path(archive),
        update=update and limit is None,
        allow_incomplete=allow_incomplete,
        options=options,
        detail=detail,
        sizes=sizes,
        extras=extras,
        limit=limit,
    )


def flickr_account(
    user: str | Account,
    *,
    archive: Folder,
    detail: Detail = "full",
    sizes: SizesFrom = "call",
    extras: Sequence[str] = (),
    update: bool = True,
    allow_incomplete: bool = False,
    **options: Unpack[Options],
) -> DltSource:
    """As `flickr_search`, of all of an account: `user` is an Account, or whom it is of, as in `Account(user=…)`."""
    return _load(
        user if isinstance(user, Account) else Account(user=user),
        Path(archive),
        update=update,
        allow_incomplete=allow_incomplete,
        options=options,
        detail=detail,
        sizes=sizes,
        extras=extras,
    )


def _read_search(given: Mapping[str, Any]) -> Search:
    known = [field.name for field in fields(Search)]
    for name in given:
        if name not in known:
            raise UsageError(f"a search has no field {show(name)}; there are {', '.join(known)}.", field="search")
    return Search(**given)


def _load(
    source: Source, folder: Path, *, update: bool, allow_incomplete: bool, options: Options, **asked: Any
) -> DltSource:
    was_complete = is_told_complete(folder)
    with harvest(source, archive=folder, allow_incomplete=allow_incomplete, **asked, **options) as photos:
        for _ in photos:
            pass
    if was_complete and update:
        Archive(folder).update(allow_incomplete=allow_incomplete, **options)
    return flickr_archive(folder)


def _build_source(folders: Sequence[Path]) -> DltSource:
    return dlt.source(_list_resources, name="flickr", section="flickr")(folders)


def _list_resources(folders: Sequence[Path]) -> Iterator[DltResource]:
    photos: Hints = {column.name: {"description": column.meaning} for column in COLUMNS}
    photos["date_taken"] |= _LOCAL
    yield dlt.resource(
        _give_photos,
        name="photos",
        primary_key="id",
        write_disposition=cast("Any", _MERGE),
        columns=cast("Any", photos),
    )(folders)
    for table, kind in TABLES.items():
        yield _build_list(table, LIST_SCHEMA, _give_list)(folders, kind)
    yield _build_list("errors", ERROR_SCHEMA, _give_errors)(folders)


def _build_list(table: str, schema: pa.Schema, give: Any) -> Any:
    hints: Hints = {name: {"description": MEANINGS[name]} for name in schema.names}
    hints[GONE] |= {"hard_delete": True}
    return dlt.resource(give, name=table, merge_key="archive", write_disposition="merge", columns=cast("Any", hints))


def _find_bookmarks() -> dict[str, Any]:
    """What the resource that is being read has remembered. dlt keeps it with what is loaded."""
    bookmarks: dict[str, Any] = dlt.current.resource_state().setdefault("archives", {})
    return bookmarks


def _give_photos(folders: Sequence[Path]) -> Iterator[pa.Table]:
    yield from read_photos(folders, _find_bookmarks())


def _give_list(folders: Sequence[Path], kind: str) -> Iterator[pa.Table]:
    yield from read_list(folders, kind, _find_bookmarks())


def _give_errors(folders: Sequence[Path]) -> Iterator[pa.Table]:
    yield from read_errors(folders, _find_bookmarks())
