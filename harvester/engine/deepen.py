"""Asking for the parts that a photo's line lacks."""

from __future__ import annotations

from harvester.archive.checkpoint.state import Gone, Todo
from harvester.archive.disk.record import Record
from harvester.archive.draft import Draft
from harvester.archive.shallow import add_parts, find_missing, keep_listed, read_row
from harvester.engine.hydrate import Hydrator, PartRequest
from harvester.errors import Refused
from harvester.flickr.methods import name_member

NOT_FOUND = 1
"""Flickr's code of a photo that is deleted or private, the same with each method that asks for a part of it."""


class Deepener(Hydrator):
    """Makes new lines out of old ones. A photo's `row` is its whole old line."""

    async def deepen(self, photo: Todo) -> Record | Gone:
        """The line with the parts that it lacks; Gone where the photo is: then its old line stays as it is."""
        line, draft = photo.row or b"", self._take_draft(photo)
        missing, row = [*map(name_member, find_missing(line, self._wanted))], read_row(line)
        try:
            await self._ask_all([part for part in self._parts if part.name in missing], photo.id, draft, row=row)
        except Refused as error:
            self._drafts.pop(photo.id, None)
            return Gone(photo.id, error.code, error.message)
        found = keep_listed(line, {name: draft.parts[name] for name in missing})
        return add_parts(line, found, errors=draft.errors, at=self._client.server_clock.now())

    def _refuse(self, part: PartRequest, draft: Draft, error: Refused) -> None:
        if error.code == NOT_FOUND:
            raise error
        super()._refuse(part, draft, error)
