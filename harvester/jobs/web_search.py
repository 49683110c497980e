"""Addresses of searches on flickr.com, of today's pages and of those before 2014, as fields of a Search. Pure.

Today's pages have `text`, `user_id` and `license`; the older ones `q` with `m` (where to look), `w` (in whose photos),
`l` (licences), `ss`, `ct`, `mt`, `d` and `s`. What the API cannot search by is refused, since leaving it out would find
other photos.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from harvester.errors import UsageError, show
from harvester.jobs.arguments import OTHERS
from harvester.jobs.filters import FILTERS
from harvester.jobs.values import stamp

_FIELDS = {place: name for name, each in FILTERS.items() for place in (each.argument, *each.web)}
"""The web's parameters of a search, and the fields of a Search."""
_LOOKS = frozenset(
    "adv advanced f fbclid gclid lang page per_page rb referer_searched referrer_searched share view view_all z".split()
)
"""Those that change nothing about what is found."""
_WEB_TYPES = {"0": "photos", "1": "screenshots", "2": "other"}
"""`content_types` of the web counts from 0, `content_type` of the API from 1."""
_SORTS = {"rec": "date-posted-desc", "int": "interestingness-desc", "rel": "relevance"}
_SAFETY = {"0": "restricted", "1": "moderate", "2": "safe"}
"""`ss`: SafeSearch off, moderate, on."""
_LICENSES = {
    "cc": "cc-by,cc-by-sa,cc-by-nd,cc-by-nc,cc-by-nc-sa,cc-by-nc-nd,cc0",
    "comm": "cc-by,cc-by-sa,cc-by-nd,cc0",
    "deriv": "cc-by,cc-by-sa,cc-by-nc,cc-by-nc-sa,cc0",
    "commderiv": "cc-by,cc-by-sa,cc0",
}
"""`l`: any Creative Commons licence, commercial use allowed, changes allowed, both."""

Found = dict[str, Any]


def read_query(query: str) -> Found:
    """The fields of the Search that the query of an address means; `user` and `params` as they stand there.

    UsageError, with the name of the parameter, for what the API cannot search by.
    """
    given = {name: value.strip() for name, value in parse_qsl(query, errors="strict") if value.strip()}
    kept = {name: value for name, value in given.items() if name not in _LOOKS and not name.startswith("utm_")}
    old = {name: kept.pop(name) for name in _OLD if name in kept}
    if unknown := sorted(kept.keys() - _FIELDS.keys() - OTHERS):
        raise UsageError(f"{', '.join(unknown)}: Flickr's API cannot search by that; take it out of the address.")
    found = _read_fields(kept)
    for name, value in old.items():
        _OLD[name](found, value)
    return found


def _read_fields(kept: Mapping[str, str]) -> Found:
    found: Found = {_FIELDS[name]: value for name, value in kept.items() if name in _FIELDS}
    found["params"] = {name: value for name, value in kept.items() if name in OTHERS}
    for name in {"min_taken_date", "max_taken_date"} & found.keys():
        found[name] = _read_web_date(found[name])
    if "has_geo" in found:
        found["has_geo"] = found["has_geo"] not in ("0", "false")
    if "content_types" in kept:
        found["content_types"] = [_WEB_TYPES.get(name, name) for name in kept["content_types"].split(",")]
    return found


def _read_web_date(text: str) -> str:
    """The web writes dates taken as Unix time, those before 2004 too."""
    return stamp(int(text)) if re.fullmatch(r"\d{9,10}", text, re.ASCII) else text


def _read_where(found: Found, value: str) -> None:
    """`m`: whether the words are looked for everywhere or are tags, of which a photo must have all."""
    if value == "tags":
        words = [quoted or word for quoted, word in re.findall(r'"([^"]*)"|([^\s,]+)', found.pop("text", ""))]
        if words:
            found |= {"tags": words, "tag_mode": "all"}
    elif value not in ("text", "all"):
        raise _refuse("m", value)


def _read_whose(found: Found, value: str) -> None:
    """`w`: everybody, the photos of a person, of the login's contacts, of the Commons."""
    scopes = {"contacts": {"contacts": "all"}, "ff": {"contacts": "ff"}, "commons": {"is_commons": "1"}}
    if value in scopes:
        found["params"] |= scopes[value]
    elif value == "faves":
        raise UsageError(f"w={value}: Flickr's API cannot search favourites; use harvester favorites USER.")
    elif value != "all":
        found.setdefault("user", value)


def _read_dates(found: Found, value: str) -> None:
    """`d`: `taken-20130101-20131231` or `posted-…`; either end may be left out."""
    match = re.fullmatch(r"(taken|posted)-(\d{8})?-(\d{8})?", value, re.ASCII)
    if match is None:
        raise _refuse("d", value)
    what = "taken" if match[1] == "taken" else "upload"
    ends = {f"min_{what}_date": match[2], f"max_{what}_date": match[3]}
    found |= {name: date for name, date in ends.items() if date}


def _read_kinds(found: Found, value: str) -> None:
    """`ct` counts from 0 what the API counts from 1."""
    if not re.fullmatch("[0-6]", value):
        raise _refuse("ct", value)
    found["content_types"] = str(int(value) + 1)


def _chooser(name: str, field: str, meanings: Mapping[str, str]) -> Callable[[Found, str], None]:
    def read(found: Found, value: str) -> None:
        if value not in meanings:
            raise _refuse(name, value)
        found[field] = meanings[value]

    return read


def _refuse(name: str, value: str) -> UsageError:
    return UsageError(f"{name}={show(value)}: what that means is not known; take it out of the address.")


_OLD: Mapping[str, Callable[[Found, str], None]] = {
    "m": _read_where,
    "w": _read_whose,
    "d": _read_dates,
    "ct": _read_kinds,
    "l": _chooser("l", "license", _LICENSES),
    "s": _chooser("s", "sort", _SORTS),
    "ss": _chooser("ss", "safe_search", _SAFETY),
    "mt": _chooser("mt", "media", {name: name for name in ("all", "photos", "videos")}),
}
"""Parameters of searches before 2014."""
