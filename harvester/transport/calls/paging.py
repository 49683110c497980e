"""How any list is paged through: which page is next, and whether all came. Pure.

What a server claims ends nothing by itself and keeps nothing going: a page without a new row does end it, and so does
a claimed last page that is not full. In between there may be empty pages, of photos that are hidden.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from harvester.errors import UsageError
from harvester.flickr.lenient_json import read_number
from harvester.flickr.method_list import Method
from harvester.flickr.methods import CAP, SEARCH
from harvester.listing.walk import LAST_PAGE
from harvester.transport.calls.answer import Listing

_USUAL = 5
"""One in so many rows of a claim may be missing: Flickr's totals count what it does not show."""
_EMPTY = 2
"""Pages in a row without anything new, after which no more is asked, whatever is claimed."""
_CAPPED = f"it shows at most {CAP:,} results of a search. `harvester search` finds all."


# Many attributes: how a list goes on depends on all that its pages have shown so far.
class Paging:
    """One way through a list, page by page."""

    def __init__(self, method: Method, arguments: Mapping[str, str]) -> None:
        """UsageError where the arguments name a page."""
        if "page" in arguments:
            raise UsageError("all pages are asked for, so leave the argument `page` out.", field="all")
        size = {"per_page": str(method.page)} if method.page and "per_page" not in arguments else {}
        self._method = method
        self._asked = {**size, **arguments}
        self._seen: set[int] = set()
        self._empty = 0
        self._is_behind = False
        """Whether the page that is asked for is behind the last one that Flickr claims."""
        self.page = 1
        self.rows = 0
        self.claimed: int | None = None
        self.cut = ""
        """Why it ended before the list did."""
        self.ask: dict[str, str] | None = self._asked
        """The arguments of the next call; None when there is none."""

    def __repr__(self) -> str:
        return f"<Paging {self._method.name}, page {self.page}, {self.rows} rows>"

    def take(self, listing: Listing) -> list[int]:
        """Take a page: the places of those of its rows that no earlier page had."""
        keys = [_key(row, raw) for row, raw in zip(listing.rows, listing.raws, strict=True)]
        new = [place for place, key in enumerate(keys) if key not in self._seen]
        self._seen.update(keys)
        self.rows += len(new)
        self.claimed = self.claimed if listing.total is None else listing.total
        self._empty = 0 if new else self._empty + 1
        self.ask = None
        if self._goes_on(listing):
            self.page += 1
            self.ask = {**self._asked, "page": str(self.page)}
        return new

    def refuse(self, why: str) -> None:
        """Flickr refuses the page for good. Behind the last page that it claims that is an end like another."""
        self.ask = None
        self.page -= 1
        self.cut = "" if self._is_behind else why

    @property
    def shortage(self) -> str:
        """What a person should know of rows that did not come; nothing where all did."""
        claim = "" if self.claimed is None else f" of {self.claimed:,} that Flickr claims"
        if self.cut:
            return f"{self._method.name} ended after page {self.page:,} with {self.rows:,} rows{claim}: {self.cut}"
        if self.claimed is not None and self.rows < self.claimed:
            why = "the others are hidden, or its total is wrong" if self.is_complete else "that is more than is usual"
            return f"{self._method.name} brought {self.rows:,} rows{claim}: {why}."
        return ""

    @property
    def is_complete(self) -> bool:
        """Whether no more is missing than Flickr's totals are known to be off."""
        claimed = self.claimed or 0
        return not self.cut and (claimed - self.rows) * _USUAL <= claimed

    def _goes_on(self, listing: Listing) -> bool:
        size = listing.per_page or read_number(self._asked.get("per_page")) or len(listing.rows)
        self._is_behind = self._is_last(listing, size)
        if self._method.name == SEARCH and self.page * size >= CAP:
            self.cut = "" if self.rows >= (self.claimed or CAP + 1) else _CAPPED
            return False
        is_over = self._is_over(listing, size)
        if not is_over and self.page >= LAST_PAGE:
            self.cut = f"Flickr has no pages behind {LAST_PAGE:,}."
        return not is_over and not self.cut

    def _is_over(self, listing: Listing, size: int) -> bool:
        knows_pages = (listing.page, listing.pages, listing.has_more) != (None, None, None)
        is_short = self._empty > 0 or len(listing.rows) < size
        return not knows_pages or self._empty >= _EMPTY or (self._is_behind and is_short)

    def _is_last(self, listing: Listing, size: int) -> bool:
        if listing.total is not None and self.rows > listing.total:
            return False  # so its other claims are not to be believed either
        if listing.has_more is not None:
            return not listing.has_more
        if listing.pages is not None:
            return self.page >= listing.pages
        return listing.total is None or self.page * size >= listing.total


def _key(row: Mapping[str, Any], raw: bytes) -> int:
    """What tells a row from others: its id, or all of it where it has none."""
    name = row.get("id") or row.get("nsid")
    text = raw if name is None or isinstance(name, dict | list) else str(name).encode("utf-8", "replace")
    return int.from_bytes(blake2b(text, digest_size=8).digest())
