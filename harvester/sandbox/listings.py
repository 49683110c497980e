"""Lists outside of search: paged without the cap of 4,000, each in its own shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from .catalogue import Catalogue, Person
from .search import CALLER, PERMS, Failure, Query
from .shapes import build_row
from .sizes import FARM, SERVER

Answer = dict[str, Any]
NOT_FOUND = "Photo not found"
_PERMS = ("none", "read", "write", "delete")
LAST_PAGE = 10_000
"""Pages past this one answer as this one does (alexis-mignon/python-flickr-api#54)."""


class Page:
    """A stretch of a list, and what the answer says of the whole."""

    def __init__(self, items: Sequence[Any], query: Query, *, per_page: int = 100, most: int = 500) -> None:
        size = _number(query, "per_page") or per_page
        self.per_page = min(size, most)
        self.page = min(_number(query, "page") or 1, LAST_PAGE)
        self.total = len(items)
        self.shown = items[(self.page - 1) * self.per_page : self.page * self.per_page]

    @property
    def pages(self) -> int:
        """How many pages the list has."""
        return -(-self.total // self.per_page)

    def claims(self) -> Answer:
        """Page, pages, perpage and total. Both texts and numbers were recorded as totals: here, odd ones are texts."""
        total = str(self.total) if self.total % 2 else self.total
        return {"page": self.page, "pages": self.pages, "perpage": self.per_page, "total": total}


class PhotoIndex:
    """Who owns what, as far as a caller may see it."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._own = lru_cache(1)(self._by_owner)

    def own(self, owner: int) -> list[int]:
        """The photos of an owner, oldest upload first."""
        return self._own(self.catalogue.version)[owner]

    def is_own(self, n: int, query: Query) -> bool:
        """Whether the photo's owner asks."""
        return self.catalogue.people[self.catalogue.owners[n]].nsid == query.get(CALLER)

    def visible(self, numbers: Sequence[int], query: Query) -> list[int]:
        """The photos, out of these, that exist and that the caller may see."""
        return [n for n in numbers if n not in self.catalogue.removed and is_visible(self.catalogue, n, query)]

    def find(self, query: Query) -> int:
        """The number of the photo that the call asks about."""
        n = self.catalogue.number_of(query.get("photo_id", ""))
        if n is None or not is_visible(self.catalogue, n, query):
            raise Failure(1, NOT_FOUND)
        return n

    def head(self, n: int) -> Answer:
        """What a photo's part tells of the photo."""
        return {
            "id": str(self.catalogue.id_of(n)),
            "secret": self.catalogue.secret(n),
            "server": SERVER,
            "farm": FARM,
        }

    def sample(self, owner: int, count: int, *, salt: int, query: Query) -> list[int]:
        """A number of photos of other people that the caller may see."""
        photos = self.catalogue.options.photos
        drawn = (self.catalogue.draw(salt * 1_000 + i, owner) % photos for i in range(count)) if photos else ()
        others = [n for n in dict.fromkeys(drawn) if self.catalogue.owners[n] != owner]
        return self.visible(others, query)

    def owner(self, query: Query, name: str = "user_id", *, code: int = 1, message: str = "User not found") -> int:
        """The number of the person that the call asks about: the caller, where it does not say."""
        nsid = query.get(name) or query.get(CALLER, "")
        for number, person in enumerate(self.catalogue.people):
            if person.nsid == nsid:
                return number
        raise Failure(code, message)

    def _by_owner(self, _version: int) -> list[list[int]]:
        found: list[list[int]] = [[] for _ in self.catalogue.people]
        for n, owner in enumerate(self.catalogue.owners):
            if n not in self.catalogue.removed:
                found[owner].append(n)
        return found


def is_visible(catalogue: Catalogue, n: int, query: Query) -> bool:
    """Private photos are there for calls signed by their owner only."""
    return not catalogue.is_private(n) or catalogue.people[catalogue.owners[n]].nsid == query.get(CALLER)


def require_login(query: Query, catalogue: Catalogue, *, perms: str = "read") -> Person:
    """The caller; code 99 where the call is not signed, or by a login that may do less."""
    caller = next((person for person in catalogue.people if person.nsid == query.get(CALLER)), None)
    granted = query.get(PERMS, "read") if caller else "none"
    if caller and _PERMS.index(granted) >= _PERMS.index(perms):
        return caller
    raise Failure(99, f"Insufficient permissions. Method requires {perms} privileges; {granted} granted.")


def build_photos(page: Page, query: Query, catalogue: Catalogue, more: Mapping[int, Answer] | None = None) -> Answer:
    """The standard list: `photos` with its rows, and `more` members for some of them."""
    extras = read_extras(query)
    rows = [build_row(catalogue, n, extras) | (more or {}).get(n, {}) for n in page.shown]
    return {"photos": {**page.claims(), "photo": rows}, "stat": "ok"}


def read_extras(query: Query, name: str = "extras") -> tuple[str, ...]:
    """The names of the extras asked for."""
    return tuple(extra.strip() for extra in query.get(name, "").split(","))


def build_primary(catalogue: Catalogue, members: Sequence[int], extras: tuple[str, ...]) -> Answer:
    """`primary_photo_extras` of a set or gallery: only what the extras bring; nothing where none was asked for."""
    if not members or extras == ("",):
        return {}
    bare = build_row(catalogue, members[0], ())
    shown = build_row(catalogue, members[0], extras)
    return {"primary_photo_extras": {name: value for name, value in shown.items() if name not in bare}}


def _number(query: Query, name: str) -> int:
    text = query.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
