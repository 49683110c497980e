"""What flickr.photos.search does with places: which photos fit, and which are shown at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import asin, cos, radians, sin, sqrt

from .catalogue import Catalogue
from .places import Place

ARGUMENTS = (
    "accuracy", "bbox", "geo_context", "has_geo", "lat", "lon", "place_id", "radius", "radius_units", "woe_id",
)  # fmt: skip
"""The geographic arguments of the method."""
PAGE_SIZE = 250
"""A geographic search answers with no more rows than this, whatever is asked."""
RECENT = 12 * 3600
"""Seconds that a geographic search reaches back where nothing else limits it."""
_LIMITS = (
    "group_id", "machine_tags", "min_taken_date", "min_upload_date", "tags", "text", "user_id",
)  # fmt: skip
_KM = {"km": 1.0, "mi": 1.609344}
_EARTH_KM = 6371.0

Query = Mapping[str, str]


class Illogical(Exception):
    """Arguments that make no place."""


def is_geographic(query: Query) -> bool:
    """Whether a search asks for places. `has_geo=0` asks for photos without one."""
    return any(query.get(name) for name in ARGUMENTS if (name, query.get(name)) != ("has_geo", "0"))


def limit_to_recent(query: Query, *, now: float) -> Query:
    """The query as Flickr answers it: the last 12 hours, unless a tag, a *min* date or the like limits it.

    Flickr's documentation of flickr.photos.search says so at `bbox`, `has_geo`, `lat`, `woe_id` and `place_id`.
    """
    if not is_geographic(query) or any(query.get(name) for name in _LIMITS):
        return query
    return {**query, "min_upload_date": str(int(now) - RECENT)}


def build_place_tests(query: Query, catalogue: Catalogue) -> list[Callable[[int], bool]]:
    """Whether a photo, by its number, is where the query asks; Illogical where the query makes no sense."""
    tests: list[Callable[[int], bool]] = []
    if (geo := query.get("has_geo")) in ("0", "1"):
        tests.append(lambda n: (catalogue.place(n) is not None) == (geo == "1"))
    fits = [fit for build in (_in_box, _in_circle, _by_id, _by_context) if (fit := build(query)) is not None]

    def is_there(n: int) -> bool:
        place = catalogue.place(n)
        return place is not None and all(fit(place) for fit in fits)

    return [*tests, is_there] if fits else tests


Fit = Callable[[Place], bool]


def _in_box(query: Query) -> Fit | None:
    if not query.get("bbox"):
        return None
    west, south, east, north = _numbers(query["bbox"].split(","), count=4)
    return lambda place: west <= place.longitude <= east and south <= place.latitude <= north


def _in_circle(query: Query) -> Fit | None:
    if not query.get("lat") and not query.get("lon"):
        return None
    latitude, longitude, radius = _numbers(
        [query.get("lat", ""), query.get("lon", ""), query.get("radius") or "5"], count=3
    )
    reach = radius * _KM.get(query.get("radius_units") or "km", 1.0)
    return lambda place: _distance(latitude, longitude, place) <= reach


def _by_id(query: Query) -> Fit | None:
    """Only the place itself: the sandbox does not know which places lie inside others."""
    asked = {name: query[name] for name in ("place_id", "woe_id") if query.get(name)}
    if not asked:
        return None
    return lambda place: asked.items() <= {"place_id": place.place_id, "woe_id": place.woeid}.items()


def _by_context(query: Query) -> Fit | None:
    """All photos of the sandbox have context 0 (not defined)."""
    context = query.get("geo_context")
    return (lambda _: context == "0") if context in ("0", "1", "2") else None


def _distance(latitude: float, longitude: float, place: Place) -> float:
    """Kilometres along the great circle."""
    here, there = radians(latitude), radians(place.latitude)
    turn = radians(place.longitude - longitude)
    half = sin((there - here) / 2) ** 2 + cos(here) * cos(there) * sin(turn / 2) ** 2
    return 2 * _EARTH_KM * asin(sqrt(min(1.0, half)))


def _numbers(texts: list[str], *, count: int) -> list[float]:
    try:
        numbers = [float(text) for text in texts]
    except ValueError:
        raise Illogical from None
    if len(numbers) != count:
        raise Illogical
    return numbers
