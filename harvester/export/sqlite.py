"""An SQLite database out of archives."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from harvester.errors import CannotWrite
from harvester.export.memberships import COLLECTIONS, SETS, read_entries
from harvester.export.source import Source
from harvester.export.tables import FINISH, PHOTO_COLUMNS, SCHEMA, SEARCH, Rows, build_albums, build_collections

_WIDTHS = {
    "people": 4,
    "photos": len(PHOTO_COLUMNS),
    "photo_tags": 5,
    "photo_sizes": 8,
    "albums": 6,
    "album_photos": 3,
    "collections": 4,
    "collection_albums": 2,
    "comments": 6,
}
_INSERTS = {table: f"INSERT OR IGNORE INTO {table} VALUES({','.join('?' * width)})" for table, width in _WIDTHS.items()}
_FAST = "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA page_size=8192; PRAGMA cache_size=-32000;"
"""Nothing is lost by it: until the file is whole and synced it has another name."""


class SqliteSink:
    """Rows into the tables of a database."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def write(self, piece: Rows) -> None:
        """Insert the rows of some photos."""
        for table, rows in piece.items():
            self._db.executemany(_INSERTS[table], rows)

    def write_lists(self, source: Source) -> None:
        """Insert the sets and the collections of an archive."""
        for name, build in ((SETS, build_albums), (COLLECTIONS, build_collections)):
            if name in source.lists:
                self._write_each(build(read_entries(source.lists[name])))

    def _write_each(self, rows: Iterable[tuple[str, tuple[Any, ...]]]) -> None:
        for table, row in rows:
            self._db.execute(_INSERTS[table], row)


@contextmanager
def open_database(path: Path, sources: Sequence[Source], *, shown: Path, search: bool) -> Iterator[SqliteSink]:
    """Make a database; at the end of the block its indexes are made. CannotWrite where that fails.

    `shown` is the name that errors tell.
    """
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            db.executescript(f"{_FAST}{SCHEMA}BEGIN;")
            sink = SqliteSink(db)
            yield sink
            for source in sources:
                sink.write_lists(source)
            db.executescript(
                f"BEGIN;{FINISH}{SEARCH if search else ''}COMMIT;ANALYZE;"
            )  # what was open is committed first
    except sqlite3.Error as error:
        raise CannotWrite(f"Cannot write {shown}: {error}. Mend that, then run the same command again.") from None
