"""What a loop over a harvest gets."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import orjson

from harvester.disk.record import Record


class Photo:
    """A harvested photo. Its members are what Flickr sent, parsed; a part refused for good is None."""

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
        """The `sizes` of flickr.photos.getSizes."""
        return self.record.get("sizes")

    @property
    def errors(self) -> dict[str, dict[str, Any]]:
        """Code and message of each part that Flickr refuses, by its name."""
        errors: dict[str, dict[str, Any]] = self.record.get("errors", {})
        return errors
