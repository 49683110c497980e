"""Values as people write them: lists, licences, boxes; and as Flickr takes them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from operator import index
from typing import SupportsIndex

from harvester.errors import UsageError, show
from harvester.flickr.codes import CONTENT_TYPES, LICENSES

# An id of 18 digits is millions of times beyond today's.
_PHOTO_ID = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


def stamp(seconds: float) -> str:
    """A moment as ISO time in UTC, to the second: `2026-11-23T22:30:05Z`."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_photo_id(value: object) -> str:
    """A photo id in its plain form; UsageError where it is none."""
    text = str(value).strip()
    if not _PHOTO_ID.fullmatch(text):
        raise UsageError(f"{show(text)} is not a photo id: ids are numbers such as 4195976808.")
    return text


def read_id_text(value: object) -> str:
    """An id or address as it was given, a text or a whole number; UsageError for what is neither."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, SupportsIndex):
        raise UsageError(f"{show(value)} is not a photo id: give texts, such as '4195976808', or numbers.", field="ids")
    return str(index(value))


def check_choice(value: object, allowed: Iterable[object], *, field: str) -> None:
    """UsageError where a value is none of those allowed."""
    names = [str(a) for a in allowed]
    if value not in names:
        raise UsageError(f"{show(value)} is not known; use {', '.join(names)}.", field=field)


def read_texts(value: object, *, field: str) -> tuple[str, ...]:
    """A list of texts as given; one text is split at its commas."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, Sequence | set | frozenset) or isinstance(parts, bytes):
        raise UsageError(f"{show(value)} is not a list of names.", field=field)
    return tuple(text for part in parts if (text := str(part).strip()))


def read_licenses(value: object) -> tuple[str, ...]:
    """Licence ids of ids, names and families of names (`cc-by` is 4 and 11)."""
    found: list[str] = []
    for text in read_texts(value, field="license"):
        name = text.lower().replace("_", "-").replace(" ", "-")
        ids = [i for n, i in LICENSES.items() if n == name or re.fullmatch(re.escape(name) + r"-\d\.0", n)]
        if text.isascii() and text.isdigit():
            ids = [i for i in LICENSES.values() if str(i) == (text.lstrip("0") or "0")]
        if not ids:
            names = ", ".join(f"{n} ({i})" for n, i in LICENSES.items())
            raise UsageError(f"{show(text)} is not known; use names or ids of {names}.", field="license")
        found += map(str, ids)
    return tuple(dict.fromkeys(found))


def read_content_types(value: object) -> int | None:
    """Flickr's one number for a set of kinds: 1 to 3 alone, 4 = 1+2, 5 = 2+3, 6 = 1+3, 7 all."""
    texts = read_texts(value, field="content_types")
    if not texts:
        return None
    if len(texts) == 1 and re.fullmatch("[1-7]", texts[0]):
        return int(texts[0])
    for text in texts:
        if text not in {"1", "2", "3"}:
            check_choice(text, CONTENT_TYPES, field="content_types")
    kinds = frozenset(CONTENT_TYPES.get(t) or int(t) for t in texts)
    sums = {frozenset({1, 2}): 4, frozenset({2, 3}): 5, frozenset({1, 3}): 6, frozenset({1, 2, 3}): 7}
    return sums.get(kinds) or min(kinds)
