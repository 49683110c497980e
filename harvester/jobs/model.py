"""The nouns: what is asked for, from which source, and how much of it. All values are frozen. Pure.

The sources stand in `search` and `sources`, and are imported from here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, get_args

from harvester.errors import UsageError, show
from harvester.flickr.methods import DETAILS, FURTHER, Detail, list_parts
from harvester.jobs.search import Search
from harvester.jobs.sources import Account, Album, Favorites, Gallery, Group, Photos
from harvester.jobs.values import check_choice, read_texts

__all__ = [
    "SOURCES",
    "Account",
    "Album",
    "Favorites",
    "Gallery",
    "Group",
    "Job",
    "Photos",
    "Search",
    "Source",
    "check_limit",
]

Source: TypeAlias = Search | Photos | Album | Gallery | Group | Favorites | Account
SOURCES: Mapping[str, Callable[..., Source]] = {
    source.name: source for source in (Search, Photos, Album, Gallery, Group, Favorites, Account)
}


def check_limit(limit: object) -> None:
    """UsageError for what is neither None nor a number of photos."""
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        raise UsageError(f"{show(limit)} is not a number of photos; use 1 or more.", field="limit")


@dataclass(frozen=True, kw_only=True)
class Job:
    """What to harvest, and how much of each photo.

    `detail` is `list` (the listing's row alone), `info` (and getInfo) or `full` (and getSizes); `extras` are
    further parts, one call each; `limit` ends the job after so many photos. UsageError where a value is wrong.
    """

    source: Source
    detail: Detail = "full"
    extras: Sequence[str] | str = ()
    limit: int | None = None

    def __post_init__(self) -> None:
        check_choice(self.detail, DETAILS, field="detail")
        for extra in read_texts(self.extras, field="extras"):
            check_choice(extra, FURTHER, field="extras")
        if not isinstance(self.source, get_args(Source)):
            names = ", ".join(source.__name__ for source in get_args(Source))
            raise UsageError(f"{show(self.source)} is no source of photos; use one of {names}.", field="source")
        check_limit(self.limit)
        if isinstance(self.source, Photos) and self.detail == "list":
            raise UsageError("photos given by id have no listing; use info or full.", field="detail")

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences on what is asked and does nothing."""
        return self.source.warnings if isinstance(self.source, Search) else ()

    @property
    def extras_asked(self) -> tuple[str, ...]:
        """The further parts, as a list."""
        return read_texts(self.extras, field="extras")

    @property
    def parts(self) -> tuple[str, ...]:
        """The members of a line that cost one call each, in their order on the line."""
        return list_parts(self.detail, self.extras_asked)

    def describe(self) -> dict[str, Any]:
        """The job as plain JSON. Two runs with equal descriptions may share an archive; a limit may differ."""
        known = {**self.source.describe(), "detail": self.detail}
        extras = [part for part in self.parts if part in FURTHER]
        return {**known, "with": extras} if extras else known
