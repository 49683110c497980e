"""The config file: its tables, and one sentence for each way in which it can be wrong."""

from __future__ import annotations

import difflib
import os
import re
import shlex
import stat
import tomllib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from harvester.errors import UsageError
from harvester.jobs.filters import FILTERS
from harvester.text.decoding import decode_text

FILE_NAME = "harvester.toml"

_T = TypeVar("_T", bound=Struct)


class FlickrTable(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`[flickr]`: where the API is, and who asks."""

    api_url: str | UnsetType = UNSET
    api_key: str | UnsetType = UNSET
    api_secret: str | UnsetType = UNSET
    oauth_token: str | UnsetType = UNSET
    oauth_token_secret: str | UnsetType = UNSET


class LimitsTable(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`[limits]`: how much, how fast, how long."""

    quota: str | UnsetType = UNSET
    quota_ledger: str | UnsetType = UNSET
    pace: str | UnsetType = UNSET
    workers: int | UnsetType = UNSET
    give_up_after: str | int | float | UnsetType = UNSET


class NoticeTable(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`[notice]`: who is told when a run is over."""

    on_complete: str | UnsetType = UNSET
    on_trouble: str | UnsetType = UNSET


_SECTIONS: Mapping[str, type[Struct]] = {"flickr": FlickrTable, "limits": LimitsTable, "notice": NoticeTable}


class JobTable(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """`[jobs.NAME]`: what all kinds of jobs share."""

    source: str
    detail: str | UnsetType = UNSET
    sizes: str | UnsetType = UNSET
    extras: list[str] | str | UnsetType = msgspec.field(name="with", default=UNSET)
    limit: int | UnsetType = UNSET
    output: str | UnsetType = UNSET
    state: str | UnsetType = UNSET
    unescape: bool | UnsetType = UNSET
    update: bool | UnsetType = UNSET
    rotate: str | int | UnsetType = UNSET
    compress: str | UnsetType = UNSET
    publish: str | UnsetType = UNSET
    env_prefix: str | UnsetType = UNSET
    quota: str | UnsetType = UNSET
    pace: str | UnsetType = UNSET

    def given(self) -> dict[str, Any]:
        """The members that the file sets, by their names in the code."""
        names = (name for name in self.__struct_fields__ if name != "source")
        return {name: value for name in names if (value := getattr(self, name)) is not UNSET}


_FIELDS: dict[str, Any] = {
    **{name: each.toml for name, each in FILTERS.items()},
    "params": dict[str, str | int | float],
}
SearchTable: Any = msgspec.defstruct(
    "SearchTable",
    [(name, kind if kind is Any else kind | UnsetType, UNSET) for name, kind in _FIELDS.items()],
    bases=(JobTable,),
    forbid_unknown_fields=True,
    frozen=True,
    kw_only=True,
)
"""A job with `source = "search"`: the fields of a Search. Dates may be TOML's own."""


class PhotosTable(JobTable, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A job with `source = "photos"`: photos by id or address, listed here or in a file."""

    ids: list[str | int] | UnsetType = UNSET
    ids_from: str | UnsetType = msgspec.field(name="from", default=UNSET)


class AccountTable(JobTable, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A job with `source = "account"`: all of an account, or the kinds that are named."""

    user: str
    only: list[str] | str | UnsetType = UNSET
    skip: list[str] | str | UnsetType = UNSET
    hydrate: list[str] | str | UnsetType = UNSET


class AlbumTable(JobTable, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A job with `source = "album"`."""

    album: str | int


class GalleryTable(JobTable, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A job with `source = "gallery"`."""

    gallery: str | int


class GroupTable(JobTable, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A job with `source = "group"`."""

    group: str


class FavoritesTable(JobTable, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A job with `source = "favorites"`."""

    user: str


class GetTable(JobTable, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A job with `source = "get"`: whatever an address means."""

    url: str


JOB_TABLES: Mapping[str, type[JobTable]] = {
    "search": SearchTable,
    "account": AccountTable,
    "album": AlbumTable,
    "gallery": GalleryTable,
    "group": GroupTable,
    "favorites": FavoritesTable,
    "photos": PhotosTable,
    "get": GetTable,
}


class _File(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    flickr: FlickrTable = FlickrTable()
    limits: LimitsTable = LimitsTable()
    notice: NoticeTable = NoticeTable()
    jobs: dict[str, dict[str, Any]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigFile:
    """A config file whose tables are the right ones. Its values are still to be read, and so are its jobs."""

    path: Path
    shared: bool
    """Others than its owner can read it."""
    settings: Mapping[str, object]
    jobs: Mapping[str, dict[str, Any]]
    """The tables of the jobs, as they stand there."""

    def read_job(self, name: str) -> JobTable:
        """The table of a job; UsageError where it has not the shape of one."""
        return _convert_job(self.jobs[name], path=self.path, name=name)

    def name_place(self, field: str | None, *, job: str | None = None) -> str:
        """Where a value stands: `harvester.toml: limits.pace`."""
        if job is not None:
            keys = ["jobs", job, *([_name_key(JOB_TABLES[self.jobs[job]["source"]], field)] if field else [])]
        else:
            section = next(name for name, table in _SECTIONS.items() if field in table.__struct_fields__)
            keys = [section, field or ""]
        return f"{self.path}: {'.'.join(keys)}"

    def warnings(self, secrets: Collection[str]) -> tuple[str, ...]:
        """What the user should fix though it works: a secret that others can read."""
        if not self.shared or not any(self.settings.get(name) for name in secrets):
            return ()
        cure = f"chmod 600 {shlex.quote(str(self.path))}"
        return (f"{self.path} holds a key or secret and others can read it: `{cure}` fixes that.",)


def read_config_file(path: Path | None, *, places: Iterable[Path]) -> ConfigFile | None:
    """The named file, or else the first `harvester.toml` in `places`; None where there is none."""
    if path is None:
        path = next((place / FILE_NAME for place in places if (place / FILE_NAME).exists()), None)
    elif not path.exists():
        raise UsageError(f"there is no file {str(path)!r}.", field="config")
    if path is None:
        return None
    tables, shared = _load_toml(path)
    file = _convert(tables, _File, path=path, prefix="")
    settings = {
        name: value
        for table in (file.flickr, file.limits, file.notice)
        for name in table.__struct_fields__
        if (value := getattr(table, name)) is not UNSET
    }
    return ConfigFile(path=path, shared=shared, settings=settings, jobs=file.jobs)


def expand_home(path: str, *, field: str) -> str:
    """The path with `~` at its beginning taken for the home folder, as shells do: none expands a file's values."""
    whole = os.path.expanduser(path)  # noqa: PTH111 - Path.expanduser refuses a folder that is named ~x
    if re.match(r"~(?:[/\\]|$)", whole):
        raise UsageError(
            f"{path!r} begins with the home folder, and there is none: set HOME or write the whole path.", field=field
        )
    return whole


def _load_toml(path: Path) -> tuple[dict[str, Any], bool]:
    """What the file holds, and whether others than its owner can read it."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            tables = tomllib.loads(decode_text(file.read()))
    except IsADirectoryError:
        raise UsageError(f"{path} is a folder; name the TOML file in it.") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not TOML: it is not UTF-8 text.") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not TOML: {str(error).rstrip('.')}.") from None
    return tables, os.name == "posix" and stat.S_ISREG(mode) and bool(mode & 0o077)


def _convert_job(table: dict[str, Any], *, path: Path, name: str) -> JobTable:
    prefix = f"jobs.{name}."
    kinds = ", ".join(f'"{kind}"' for kind in JOB_TABLES)
    if "source" not in table:
        raise UsageError(f"say what to harvest: source = one of {kinds}.", field=f"{path}: {prefix}source")
    kind = JOB_TABLES.get(table["source"]) if isinstance(table["source"], str) else None
    if kind is None:
        raise UsageError(f"{table['source']!r} is not known; use {kinds}.", field=f"{path}: {prefix}source")
    for key, value in table.items():
        if key.endswith("_date") and (
            isinstance(value, bool) or not isinstance(value, int | float | str | date | datetime)
        ):
            raise UsageError("write a date such as 2009-12-01.", field=f"{path}: {prefix}{key}")
    return _convert(table, kind, path=path, prefix=prefix)


def _convert(table: Mapping[str, Any], kind: type[_T], *, path: Path, prefix: str) -> _T:
    """The table as a struct; UsageError with the place and what is allowed where it does not fit."""
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        place, sentence = _explain(str(error), kind)
        raise UsageError(sentence, field=f"{path}: {prefix}{place}".rstrip(".")) from None


_UNKNOWN = re.compile(r"Object contains unknown field `(?P<key>.*?)`(?: - at `\$\.(?P<table>.*)`)?", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(?P<key>.*?)`")
_MISFIT = re.compile(r"Expected `(?P<expected>.*?)`, got `(?P<got>.*?)`(?: - at `\$\.?(?P<place>.*)`)?", re.DOTALL)
_KINDS = {
    "str": "text in quotes",
    "int": "a whole number",
    "float": "a number with a fraction",
    "number": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "time": "a time",
    "date": "a date",
    "datetime": "a date",
}


def _explain(message: str, kind: type[Struct]) -> tuple[str, str]:
    """Place and sentence of a message of msgspec."""
    if match := _UNKNOWN.fullmatch(message):
        section = match["table"]
        inner = _SECTIONS.get(section or "", kind)
        known = inner.__struct_encode_fields__
        close = difflib.get_close_matches(match["key"], known, n=1, cutoff=0.6)
        advice = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}."
        return f"{section}.{match['key']}" if section else match["key"], f"there is no such setting; {advice}"
    if match := _MISSING.fullmatch(message):
        return match["key"], "this is missing, and is what the job is about."
    if match := _MISFIT.fullmatch(message):
        place = re.sub(r"\[.*?\]", "", match["place"] or "")
        return place, f"this takes {_name_kinds(match['expected'])}, not {_KINDS.get(match['got'], match['got'])}."
    return "", f"{message[0].lower()}{message[1:]}."


def _name_kinds(text: str) -> str:
    """`int | float | str` as `a number or text in quotes`."""
    names = text.replace("int | float", "number").split(" | ")
    return " or ".join(_KINDS.get(name, name) for name in names)


def _name_key(table: type[JobTable], field: str) -> str:
    """The key of the file for a field of the code (`with` for `extras`)."""
    keys = dict(zip(table.__struct_fields__, table.__struct_encode_fields__, strict=True))
    return keys.get(field, field)
