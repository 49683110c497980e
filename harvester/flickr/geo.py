"""Geographic searches: what Flickr does differently where a search asks for places. Pure.

A geographic search that nothing else limits shows only the photos of the last 12 hours; a tag or a *min* date is
such a limit (documentation of flickr.photos.search at `bbox`, `has_geo`, `lat`, `woe_id`, `place_id`). So every
search of the harvester names a first second of upload, whatever it asks for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harvester.flickr.methods import PAGE_SIZE

ARGUMENTS = frozenset("accuracy bbox geo_context has_geo lat lon place_id radius radius_units woe_id".split())
"""The geographic arguments of flickr.photos.search."""
GEO_PAGE_SIZE = 250
"""The largest page of a geographic search (documentation of `bbox`; alexis-mignon/python-flickr-api#23)."""
EVER: Mapping[str, str] = {"min_upload_date": "1"}
"""A lower bound that leaves nothing out: the second after 1970 began."""
_OWN_LIMITS = ("min_taken_date", "tags")
"""Arguments that the documentation names as limits, besides the first second of upload."""


def is_geographic(arguments: Mapping[str, Any]) -> bool:
    """Whether a search asks for places. `has_geo=0` asks for photos without one."""
    return any(value and (name, value) != ("has_geo", "0") for name, value in arguments.items() if name in ARGUMENTS)


def find_page_size(arguments: Mapping[str, Any]) -> int:
    """Rows of the largest page that Flickr gives to a search."""
    return GEO_PAGE_SIZE if is_geographic(arguments) else PAGE_SIZE


def needs_bound(arguments: Mapping[str, Any]) -> bool:
    """Whether Flickr shows 12 hours only of a search with these arguments and no first second of upload."""
    return is_geographic(arguments) and not any(arguments.get(name) for name in _OWN_LIMITS)
