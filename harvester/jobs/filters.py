"""The filters of a search, each declared once: its names, what it takes, how it is told and written. Pure.

The fields of Search, the options of the command line, the fields of a config file and the parameters that a search
address of flickr.com may have are made from this table, or held against it by tests/unit/jobs/test_filters.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, get_args

from harvester.errors import UsageError
from harvester.flickr.codes import CONTENT_TYPES, SAFE_SEARCH
from harvester.jobs.box import read_bbox
from harvester.jobs.dates import is_relative, read_taken, read_upload, settle
from harvester.jobs.values import check_choice, read_content_types, read_licenses, read_texts

TagMode: TypeAlias = Literal["any", "all"]
Media: TypeAlias = Literal["all", "photos", "videos"]
Sort: TypeAlias = Literal[
    "date-posted-desc",
    "date-posted-asc",
    "date-taken-desc",
    "date-taken-asc",
    "interestingness-desc",
    "interestingness-asc",
    "relevance",
]
Write: TypeAlias = Callable[[Any, str], object]
"""From a value and the field's name to what Flickr takes, None or "" for nothing. UsageError where it is wrong."""


def _write_plain(value: object, field: str) -> object:  # noqa: ARG001 - as every Write
    return value


def _write_choice(default: str, allowed: tuple[str, ...]) -> Write:
    def write(value: object, field: str) -> object:
        check_choice(value, allowed, field=field)
        return None if value == default else value

    return write


def _write_tags(value: object, field: str) -> str:
    tags = read_texts(value, field=field)
    if value and not tags:
        raise UsageError("there is no tag in it; leave it out to search without.", field=field)
    return ",".join(tags)


def _write_date(read: Callable[..., object]) -> Write:
    """A date in seconds or as Flickr's text; the words as they are where it is relative."""

    def write(value: Any, field: str) -> object:
        if not is_relative(value):
            return read(value, field=field)
        settle(value, now=0.0, field=field)  # the words are checked
        return str(value)

    return write


def _write_licenses(value: object, field: str) -> str:  # noqa: ARG001 - as every Write
    return ",".join(read_licenses(str(value) if isinstance(value, int) else value))


def _write_content_types(value: object, field: str) -> int | None:  # noqa: ARG001 - as every Write
    return read_content_types(str(value) if isinstance(value, int) else value)


def _write_box(value: object, field: str) -> str | None:  # noqa: ARG001 - as every Write
    return read_bbox(value)


def _write_flag(value: Any, field: str) -> int | None:  # noqa: ARG001 - as every Write
    return None if value is None else int(value)


def _write_safety(value: object, field: str) -> int | None:
    if value is None:
        return None
    text = str(value)
    if text not in {"1", "2", "3"}:
        check_choice(text, SAFE_SEARCH, field=field)
    return SAFE_SEARCH.get(text) or int(text)


# More than eight attributes: all that there is to say of a filter stands in one place.
@dataclass(frozen=True, slots=True)
class Filter:
    """A filter of a search."""

    argument: str
    """Its name in flickr.photos.search."""
    help: str
    """Its sentence in `--help`."""
    metavar: str | None = None
    choices: tuple[str, ...] = ()
    """The names that it takes, as the command line completes them."""
    is_list: bool = False
    """Whether it takes several values, with commas or by giving the option again."""
    flags: str = ""
    """The two options that say yes and no, where it is a question."""
    toml: Any = str
    """Its type in a config file."""
    write: Write = _write_plain
    web: tuple[str, ...] = ()
    """How search addresses of flickr.com name it besides `argument`."""
    is_date: bool = False
    is_swept: bool = False
    """Whether the sweep says it to Flickr, search by search, and not the search itself."""


_LIST = list[str] | str
_NUMBERS = list[str | int] | str | int


def _build_date(argument: str, told: str, read: Callable[..., object], *, is_swept: bool = False) -> Filter:
    written = _write_date(read)
    return Filter(argument, told, "DATE", toml=Any, write=written, is_date=True, is_swept=is_swept)


FILTERS: Mapping[str, Filter] = MappingProxyType(
    {
        "tags": Filter(
            "tags",
            "With any of these tags, or all: see --tag-mode.",
            "A,B",
            is_list=True,
            toml=_LIST,
            write=_write_tags,
        ),
        "tag_mode": Filter(
            "tag_mode", "[default: any]", choices=get_args(TagMode), write=_write_choice("", get_args(TagMode))
        ),
        "text": Filter("text", "In title, description or tags.", "WORDS", web=("q",)),
        "user": Filter("user_id", "NSID, user name, path alias, flickr.com address or me.", "USER"),
        "group": Filter("group_id", "Id or flickr.com address of a group.", "GROUP"),
        "min_upload_date": _build_date(
            "min_upload_date",
            "2009-12-01, 20091201, 2009-12, 2009, 2009-12-01T08:30:00, a Unix time from 2004 on, or today, yesterday, "
            "7 days ago, -30d. In UTC; inclusive.",
            read_upload,
            is_swept=True,
        ),
        "max_upload_date": _build_date(
            "max_upload_date",
            "Without a time, to the end of the day, month or year; inclusive.",
            read_upload,
            is_swept=True,
        ),
        "min_taken_date": _build_date("min_taken_date", "The same forms, in the owner's local time.", read_taken),
        "max_taken_date": _build_date("max_taken_date", "To its end, as --max-upload-date.", read_taken),
        "license": Filter(
            "license",
            "Ids or names, such as cc-by,cc0.",
            "A,B",
            is_list=True,
            toml=_NUMBERS,
            write=_write_licenses,
        ),
        "media": Filter(
            "media", "[default: all]", choices=get_args(Media), write=_write_choice("all", get_args(Media))
        ),
        "content_types": Filter(
            "content_type",
            f"Any of {', '.join(CONTENT_TYPES)}.",
            "A,B",
            choices=tuple(CONTENT_TYPES),
            is_list=True,
            toml=_NUMBERS,
            write=_write_content_types,
            web=("content_types",),
        ),
        "bbox": Filter(
            "bbox",
            "Within a box, in degrees, such as -0.6,51.2,0.4,51.8, or across the date line 177,-20,-178,-15.",
            "W,S,E,N",
            toml=list[float | int] | str,
            write=_write_box,
        ),
        "has_geo": Filter(
            "has_geo", "With a place, or without.", flags="--has-geo/--no-geo", toml=bool, write=_write_flag
        ),
        "machine_tags": Filter(
            "machine_tags", "Such as dc:title=rivers.", "A,B", is_list=True, toml=_LIST, write=_write_tags
        ),
        "safe_search": Filter(
            "safe_search",
            f"Up to {' or '.join(SAFE_SEARCH)}.",
            "LEVEL",
            choices=tuple(SAFE_SEARCH),
            toml=str | int,
            write=_write_safety,
        ),
        "sort": Filter(
            "sort",
            "By date-posted, date-taken or interestingness, each with -asc or -desc, or by relevance.  "
            "[default: date-posted-desc]",
            "ORDER",
            choices=get_args(Sort),
            write=_write_choice("date-posted-desc", get_args(Sort)),
            is_swept=True,
        ),
    }
)
"""By the fields of Search, in their order."""
DATES = tuple(name for name, each in FILTERS.items() if each.is_date)
