r"""An answer as it is shown: the JSON that Flickr sent, with letters in place of its escapes. Pure.

Numbers and texts stay as they were sent, to the last digit; only white space and the escapes `\u041c` and `\/` change.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from harvester.errors import TryLater, UsageError
from harvester.flickr.failures import check_failure
from harvester.flickr.lenient_json import dump, read_members, read_number
from harvester.text.escapes import unescape_json

_pair = re.compile(rb"\\(.)", re.DOTALL)
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_elements = msgspec.json.Decoder(list[msgspec.Raw])
_CLAIMS = frozenset({"total", "page", "pages", "perpage", "per_page", "has_next_page"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer, whole."""

    members: dict[str, Any]
    """What it says, parsed: `stat` and all else."""
    parts: Mapping[str, bytes]
    """The JSON of each member."""
    body: bytes
    """The bytes as sent."""

    def write(self, *, indent: int = -1) -> bytes:
        """The whole envelope as JSON, on one line or indented."""
        whole = b"{" + b",".join(dump(name) + b":" + raw for name, raw in self.parts.items()) + b"}"
        return tidy(whole, indent=indent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One page of a list: its rows, and what the answer claims of the whole, None where it says nothing."""

    rows: tuple[dict[str, Any], ...]
    raws: tuple[bytes, ...]
    """The JSON of each row."""
    total: int | None = None
    page: int | None = None
    pages: int | None = None
    per_page: int | None = None
    has_more: bool | None = None


def read_answer(body: bytes, method: str) -> Answer:
    """The answer of a method. Raises what a failure means: Refused, KeyRefused, UsageError, TryLater."""
    members, parts = read_members(body)
    check_failure(members, method=method)
    return Answer(members=members, parts=parts, body=body)


def read_listing(body: bytes, method: str) -> Listing:
    """The one list of an answer, wherever in it that is. UsageError where the answer is no list."""
    answer = read_answer(body, method)
    shown = {name: value for name, value in answer.members.items() if name != "stat"}
    path = _choose(shown)
    if path is None:
        return _read_empty(shown, method)
    holder = _follow(shown, path[:-1])
    raw = answer.parts[path[0]]
    for name in path[1:]:
        raw = bytes(_members.decode(raw)[name])
    raws = tuple(bytes(each) for each in _elements.decode(raw))
    return _build(holder, rows=tuple(holder[path[-1]]), raws=raws)


def tidy(raw: bytes, *, indent: int = -1) -> bytes:
    r"""The same JSON with letters for `\u041c`, `/` for `\/`, on one line or indented."""
    formatted = msgspec.json.format(raw, indent=indent)
    return unescape_json(_pair.sub(lambda found: b"/" if found[1] == b"/" else found[0], formatted))


def _choose(shown: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The way to the answer's list: the only one, or else the only one beside which pages or a total are claimed."""
    paths = list(_find_lists(shown, ()))
    if len(paths) > 1:
        paths = [path for path in paths if len(path) > 1 and _CLAIMS & _follow(shown, path[:-1]).keys()]
    return paths[0] if len(paths) == 1 else None


def _find_lists(holder: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for name, value in holder.items():
        if isinstance(value, dict):
            yield from _find_lists(value, (*path, name))
        elif isinstance(value, list) and all(isinstance(row, dict) for row in value):
            yield (*path, name)


def _follow(shown: Mapping[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    found: Any = shown
    for name in path:
        found = found[name]
    return dict(found)


def _read_empty(shown: Mapping[str, Any], method: str) -> Listing:
    """A list without rows may come without its list, as the comments of a photo that has none do."""
    holders = [value for value in shown.values() if isinstance(value, dict) and _is_flat(value)]
    claiming = [holder for holder in holders if _CLAIMS & holder.keys()]
    if len(claiming) == 1:
        return _build(claiming[0])
    lists = method.rpartition(".")[2].startswith("getList")
    if len(shown) <= 1 and all(value in ("", {}, []) or (lists and value in holders) for value in shown.values()):
        return Listing(rows=(), raws=())
    raise UsageError(f"{method} answers no list.", field="all")


def _is_flat(holder: Mapping[str, Any]) -> bool:
    return not any(isinstance(value, dict | list) for value in holder.values())


def _build(
    holder: Mapping[str, Any], *, rows: tuple[dict[str, Any], ...] = (), raws: tuple[bytes, ...] = ()
) -> Listing:
    if len(rows) != len(raws):
        raise TryLater("a listing without its list")
    more = holder.get("has_next_page")
    return Listing(
        rows=rows,
        raws=raws,
        total=read_number(holder.get("total")),
        page=read_number(holder.get("page")),
        pages=read_number(holder.get("pages")),
        per_page=read_number(holder.get("perpage", holder.get("per_page"))),
        has_more=None if more is None else more in (1, "1", True),
    )
