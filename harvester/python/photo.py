"""The Photo that a loop over a harvest yields."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from typing import Any

import orjson

from harvester.archive.disk.record import Record
from harvester.export.row import NoMemberships, RowMaker
from harvester.export.table import Row, Size

_maker = RowMaker(NoMemberships(), lambda _: None)


class Photo:
    """A harvested photo.

    `record`, `search`, `info`, `sizes` and `errors` are what Flickr sent, parsed; a part refused for good is None. The
    others are typed: what getInfo tells, else the listing's row; None where neither does, or where Flickr sent
    something that cannot be meant. `row` has all of them.
    """

    def __init__(self, record: Record) -> None:
        self.id = record.id
        self.line = record.line
        """The photo's line of NDJSON, as an archive holds it."""

    def __repr__(self) -> str:
        return f"<Photo {self.id}>"

    @cached_property
    def record(self) -> dict[str, Any]:
        """The whole line, parsed: `id`, `harvested_at`, `search` and each part asked for."""
        found: dict[str, Any] = orjson.loads(self.line)
        return found

    @property
    def harvested_at(self) -> str:
        """When it was fetched: `2026-11-23T22:30:05Z`."""
        return str(self.record["harvested_at"])

    @property
    def search(self) -> Any:
        """The listing's row; None for a photo given by id."""
        return self.record["search"]

    @property
    def info(self) -> Any:
        """The `photo` of flickr.photos.getInfo."""
        return self.record.get("info")

    @property
    def sizes(self) -> Any:
        """The `sizes` of flickr.photos.getSizes, or, with `from` being `listing`, what the listing's row tells."""
        return self.record.get("sizes")

    @property
    def errors(self) -> dict[str, dict[str, Any]]:
        """Code and message of each part that Flickr refuses, by its name."""
        errors: dict[str, dict[str, Any]] = self.record.get("errors", {})
        return errors

    @cached_property
    def row(self) -> Row:
        """The photo as the flat, typed row that `harvester export` writes, without its albums and collections."""
        return _maker.make_row(self.line.rstrip(b"\n"))

    @property
    def title(self) -> str | None:
        """The title, as sent."""
        return self.row.title

    @property
    def description(self) -> str | None:
        """The description, as sent: it may hold HTML."""
        return self.row.description

    @property
    def tags(self) -> list[str]:
        """The tags as Flickr matches them: `blackandwhite`."""
        return self.row.tags or []

    @property
    def owner_id(self) -> str | None:
        """The owner's NSID."""
        return self.row.owner_id

    @property
    def owner(self) -> str | None:
        """The owner's name on Flickr."""
        return self.row.owner_username

    @property
    def posted(self) -> datetime | None:
        """When it was uploaded, with its time zone, UTC."""
        return self.row.date_posted

    @property
    def taken(self) -> datetime | None:
        """When it was taken, by the camera's clock: no time zone. None also where only a month or a year is known.

        `row.date_taken` and `row.date_taken_granularity` have what Flickr sends for these, the first day of them.
        """
        row = self.row
        return None if row.date_taken_granularity else row.date_taken

    @property
    def license(self) -> str | None:
        """The licence's name."""
        return self.row.license_name

    @property
    def place(self) -> tuple[float, float] | None:
        """Latitude and longitude in degrees."""
        row = self.row
        return None if row.latitude is None or row.longitude is None else (row.latitude, row.longitude)

    @property
    def page_url(self) -> str | None:
        """The address of its page on flickr.com."""
        return self.row.page_url

    @property
    def largest(self) -> Size | None:
        """The largest picture that Flickr names: label, width, height, and in `source` its address."""
        row = self.row
        return next((size for size in row.sizes or () if size.source == row.url), None)
