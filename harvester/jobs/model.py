"""The nouns: what is asked for, from which source, and how much of it. All values are frozen. Pure.

The sources stand in `search` and `sources`, and are imported from here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, get_args

from harvester.errors import UsageError, show
from harvester.flickr.methods import DETAILS, FURTHER, SIZES_FROM, Detail, SizesFrom, list_parts, name_member
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


def describe_depth(detail: Detail, extras: Collection[str], sizes: SizesFrom) -> dict[str, Any]:
    """How much of each photo, as plain JSON; what is as usual is left out."""
    further = [part for part in FURTHER if part in extras]
    return {
        "detail": detail,
        **({} if sizes == "call" else {"sizes": sizes}),
        **({"with": further} if further else {}),
    }


@dataclass(frozen=True, kw_only=True)
class Job:
    """What to harvest, and how much of each photo.

    `detail` is `list` (the listing's row alone), `info` (and getInfo) or `full` (and getSizes); `extras` are
    further parts, one call each; `limit` ends the job after so many photos. With `sizes` "listing" the sizes are those
    of the listing's row, for no call; a photo of which that does not tell them, as a video, is asked for them all the
    same. UsageError where a value is wrong.
    """

    source: Source
    detail: Detail = "full"
    extras: Sequence[str] | str = ()
    limit: int | None = None
    sizes: SizesFrom = "call"

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
        check_choice(self.sizes, SIZES_FROM, field="sizes")
        if self.sizes == "listing":
            self._check_listed_sizes()

    def _check_listed_sizes(self) -> None:
        if self.detail != "full":
            raise UsageError(f"detail {self.detail} has no sizes; use full, or leave it out.", field="sizes")
        if isinstance(self.source, Photos):
            raise UsageError("photos given by id have no listing that tells their sizes; leave it out.", field="sizes")

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
        """The parts of a photo, in their order on the line."""
        return list_parts(self.detail, self.extras_asked, sizes=self.sizes)

    @property
    def members(self) -> tuple[str, ...]:
        """The members of a line that hold them."""
        return tuple(map(name_member, self.parts))

    def describe(self) -> dict[str, Any]:
        """The job as plain JSON. Two runs with equal descriptions may share an archive; a limit may differ."""
        return {**self.source.describe(), **describe_depth(self.detail, self.extras_asked, self.sizes)}
