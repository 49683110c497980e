"""Photos that Flickr counts and does not show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from harvester.sandbox.search import Listing, Searcher


def keep_back(patch: pytest.MonkeyPatch, is_hidden: Callable[[int], bool]) -> None:
    """From now on sandboxes count these photos, by number, and do not show them."""
    show = Searcher.show

    def show_some(self: Searcher, query: Any, **more: Any) -> Listing:
        listing = show(self, query, **more)
        return replace(listing, numbers=[n for n in listing.numbers if not is_hidden(n)])

    patch.setattr(Searcher, "show", show_some)
