"""All that is asked about one photo: its parts, or what became of it."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, MutableMapping, Sequence
from typing import Any

import orjson

from harvester.archive.checkpoint.state import Gone, Todo
from harvester.archive.disk.record import Record, build_record
from harvester.archive.draft import Draft, read_draft
from harvester.errors import Refused
from harvester.events import Tally
from harvester.flickr.lenient_json import dump, read_number
from harvester.flickr.methods import PARTS, ROW_SIZES, Part, name_member
from harvester.flickr.ownership import names_refused
from harvester.flickr.responses import PartReader
from harvester.flickr.sizes import build_listed_sizes
from harvester.transport.client import Client

_MOST_TRIES = 3
"""Answers without a new row after which a list in pages is through."""


class PartRequest:
    """A part that each photo is asked for: the call, but for the photo's id, and how its answer is read.

    `name` is the member of the line. Of a part that is `listed_first` the listing's row is asked before.
    """

    def __init__(self, name: str, part: Part, *, listed_first: bool = False) -> None:
        self.name = name
        self.listed_first = listed_first
        self.query = f"method={part.method}{part.arguments}&photo_id="
        self.read = PartReader(part)
        self.listed = part.listed
        self.is_asked_alone = part.is_asked_alone

    def ask(self, client: Client, photo_id: str, *, more: str = "", alone: bool = False) -> Awaitable[bytes]:
        """A part's JSON, from an answer that is this photo's. What does not say so is asked alone."""
        query = f"{self.query}{photo_id}{more}"
        mark = None if alone or self.is_asked_alone else self.read.mark(photo_id)
        return client.call(query, self.read, photo_id, mark=mark, names=names_refused)


class Hydrator:
    """Makes records of photos: with the parts named, in this order."""

    def __init__(
        self, client: Client, *, parts: Sequence[str], tally: Tally, drafts: MutableMapping[str, Draft]
    ) -> None:
        """`drafts` gets each photo that is begun, by its id."""
        self._client = client
        self._tally = tally
        self._drafts = drafts
        self._wanted = tuple(parts)
        self._parts = [
            PartRequest(member, PARTS[member], listed_first=name == ROW_SIZES)
            for name, member in zip(parts, map(name_member, parts), strict=True)
        ]

    async def fetch(self, photo: Todo) -> Record:
        """A photo's record; a part that Flickr refuses for good is null in it. GivenUp where one cannot be had now.

        Parts that an earlier run has left in the photo's draft are not asked for again.
        """
        draft = self._take_draft(photo)
        await self._ask_all(self._parts, photo.id, draft, row=photo.row)
        parts = draft.parts if photo.draft is None else {part.name: draft.parts[part.name] for part in self._parts}
        at = self._client.server_clock.now()
        return build_record(photo.id, at=at, search=photo.row, parts=parts, errors=draft.errors)

    def _take_draft(self, photo: Todo) -> Draft:
        self._drafts[photo.id] = draft = Draft() if photo.draft is None else read_draft(photo.draft)
        return draft

    async def _ask_all(self, parts: Iterable[PartRequest], photo_id: str, draft: Draft, *, row: bytes | None) -> None:
        """Put these parts into the draft, unless they are there; what the listing's `row` has is not asked for."""
        for part in parts:
            if part.listed_first:
                take_listed(part, draft, row=row)
            is_listing = part.name in draft.pages
            if part.name in draft.parts and not is_listing:
                continue
            try:
                if not is_listing:
                    draft.parts[part.name] = await part.ask(self._client, photo_id)
                if part.listed:
                    await self._add_pages(part, photo_id, draft)
            except Refused as error:
                self._refuse(part, draft, error)

    def _refuse(self, part: PartRequest, draft: Draft, error: Refused) -> None:
        self._tally.refused += 1
        draft.parts[part.name] = None
        draft.errors[part.name] = {"code": error.code, "message": error.message}
        draft.pages.pop(part.name, None)

    async def ask_missing(self, photo: Todo) -> Gone:
        """What became of a photo that no listing shows any more."""
        part = PartRequest("info", PARTS["info"])
        try:
            # The refusal that is expected need not say whose it is.
            info = orjson.loads(await part.ask(self._client, photo.id, alone=True))
        except Refused as error:
            return Gone(photo.id, error.code, error.message)
        dates = info.get("dates")
        return Gone(photo.id, None, None, read_number(dates.get("lastupdate") if isinstance(dates, dict) else None))

    async def _add_pages(self, part: PartRequest, photo_id: str, draft: Draft) -> None:
        """Put the rows of all other pages behind those that have come, each row once.

        A page that brings no new row is asked for again. In the end it ends the list, whatever count is claimed.
        """
        first = orjson.loads(draft.parts[part.name] or b"{}")
        pages, page, tries = read_number(first.get("pages")) or 1, draft.pages.get(part.name, 2), 0
        if pages < 2:
            return
        rows = _name_rows(first.get(part.listed))
        while page <= pages and tries < _MOST_TRIES:
            draft.pages[part.name] = page
            more = orjson.loads(await part.ask(self._client, photo_id, more=f"&page={page}"))
            new = {name: row for name, row in _name_rows(more.get(part.listed)).items() if name not in rows}
            rows |= new
            page, tries = (page + 1, 0) if new else (page, tries + 1)
            draft.parts[part.name] = dump(first | {part.listed: list(rows.values())})
        draft.pages.pop(part.name, None)


def _name_rows(rows: Any) -> dict[str | bytes, Any]:
    """Rows by what tells them apart: a person's NSID, or else all that they say."""
    people = [(row, row.get("nsid") if isinstance(row, dict) else None) for row in rows or []]
    return {nsid if isinstance(nsid, str) else dump(row): row for row, nsid in people}


def take_listed(part: PartRequest, draft: Draft, *, row: bytes | None) -> None:
    """Put a part into the draft from the listing's row, where that has it."""
    if row is not None and part.name not in draft.parts and (listed := build_listed_sizes(row)) is not None:
        draft.parts[part.name] = listed
