"""All that is asked about one photo: its parts, or what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from harvester.answers import PartReader, dump, read_number
from harvester.client import Client
from harvester.errors import Refused
from harvester.events import Tally
from harvester.flickr import PARTS, Part
from harvester.record import Record, build_record
from harvester.state import Gone, Todo

_MOST_TRIES = 3
"""Answers without a new row after which a list in pages is through."""


class _Asked:
    """A part that each photo is asked for: the call, but for the photo's id, and how its answer is read."""

    def __init__(self, name: str, part: Part) -> None:
        self.name = name
        self.query = f"method={part.method}{part.arguments}&photo_id="
        self.read = PartReader(part.method, part.member)
        self.listed = part.listed


class Hydrator:
    """Makes records of photos: with the parts named, in this order."""

    def __init__(self, client: Client, *, parts: Sequence[str], tally: Tally) -> None:
        self._client = client
        self._tally = tally
        self._parts = [_Asked(name, PARTS[name]) for name in parts]

    async def fetch(self, photo: Todo) -> Record:
        """A photo's record; a part that Flickr refuses for good is null in it. GivenUp where one cannot be had now."""
        found: dict[str, bytes | None] = {}
        errors: dict[str, dict[str, Any]] = {}
        for part in self._parts:
            try:
                raw = await self._client.call(part.query + photo.id, part.read, photo.id)
                found[part.name] = await self._add_pages(part, photo.id, raw) if part.listed else raw
            except Refused as error:
                self._tally.refused += 1
                found[part.name] = None
                errors[part.name] = {"code": error.code, "message": error.message}
        return build_record(photo.id, at=self._client.server_clock.now(), search=photo.row, parts=found, errors=errors)

    async def ask_missing(self, photo: Todo) -> Gone:
        """What became of a photo that no listing shows any more."""
        part = _Asked("info", PARTS["info"])
        try:
            await self._client.call(part.query + photo.id, part.read, photo.id)
        except Refused as error:
            return Gone(photo.id, error.code, error.message)
        return Gone(photo.id, None, None)

    async def _add_pages(self, part: _Asked, photo_id: str, raw: bytes) -> bytes:
        """The first page, with the rows of all others behind its own, each row once.

        A page that brings no new row is asked for again. In the end it ends the list, whatever count is claimed.
        """
        first = orjson.loads(raw)
        pages, page, tries = read_number(first.get("pages")) or 1, 2, 0
        if pages < 2:
            return raw
        rows = _name_rows(first.get(part.listed))
        while page <= pages and tries < _MOST_TRIES:
            query = f"{part.query}{photo_id}&page={page}"
            more = orjson.loads(await self._client.call(query, part.read, photo_id))
            new = {name: row for name, row in _name_rows(more.get(part.listed)).items() if name not in rows}
            rows |= new
            page, tries = (page + 1, 0) if new else (page, tries + 1)
        first[part.listed] = list(rows.values())
        return dump(first)


def _name_rows(rows: Any) -> dict[str | bytes, Any]:
    """Rows by what tells them apart: a person's NSID, or else all that they say."""
    people = [(row, row.get("nsid") if isinstance(row, dict) else None) for row in rows or []]
    return {nsid if isinstance(nsid, str) else dump(row): row for row, nsid in people}
