"""Tells which photo an answer is about. Pure.

getInfo, getExif and getFavorites name the photo in `id`, comments.getList in `photo_id`. getSizes names it only in the
addresses of its pictures and pages; each of the recorded answers names one photo there. people.getList and
getAllContexts do not name it at all. A refusal names it where it says `Photo "ID" not found (invalid ID)`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from harvester.errors import TryLater
from harvester.flickr.codes import NSID
from harvester.flickr.methods import ADDRESSES, PARTS, Part

_OTHERS = frozenset({"photos", "photoset", "photosets", "person", "user"})
"""Members of answers to methods that bring no part."""
_CONTEXTS = frozenset({"set", "pool"})
"""Members of an answer that is kept whole."""
_MEMBERS = _OTHERS | {part.member for part in PARTS.values() if part.member}
_OF_OTHERS = frozenset({"contacts", "faves"})
"""Arguments of a search that bring the photos of others than the user; `faves` is not documented."""
_IN_ADDRESS = re.compile(r"/(\d+)_\w+\.\w+|/photos/[^/]+/(\d+)")
_IN_REFUSAL = re.compile(r'Photo "(\d+)" not found')


def check_whose(answer: Mapping[str, Any], part: Part, *, photo_id: str) -> None:
    """Raise TryLater for an answer that names another photo than `photo_id`, or none where such answers name one.

    So for the answer to another method.
    """
    member = part.member
    value = answer.get(member) if member else None
    is_other = member not in answer and not (_MEMBERS | _CONTEXTS if member else _MEMBERS).isdisjoint(answer)
    if isinstance(value, dict):
        is_other = _names_other(value, part, photo_id) or _is_other_kind(value, part)
    named = _IN_REFUSAL.search(str(answer.get("message")))
    if is_other or (named is not None and named[1] != photo_id):
        raise TryLater("an answer to something else than was asked", astray=True)


def find_owner(arguments: Mapping[str, str]) -> str | None:
    """Whose photos the answer to a listing with these arguments shows; None where it may show anybody's."""
    user = arguments.get("user_id", "")
    return user if NSID.fullmatch(user) and _OF_OTHERS.isdisjoint(arguments) else None


def check_owner(owners: Sequence[object], owner: str) -> None:
    """Raise TryLater where the rows of a listing tell whose they are, and none of them is the owner's."""
    if any(owners) and owner not in owners:
        raise TryLater("photos of somebody else than was asked", astray=True)


def names_refused(body: bytes, photo_id: str) -> bool:
    """Whether an answer, as it came, is a refusal that names this photo."""
    return b'Photo \\"%s\\" not found' % photo_id.encode() in body


def _names_other(value: Mapping[str, Any], part: Part, photo_id: str) -> bool:
    if part.named == ADDRESSES:
        named = _find_named(value.get("size"))
        return bool(named) and photo_id not in named
    return str(value.get(part.named) if part.named else value.get("id", photo_id)) != photo_id


def _is_other_kind(value: Mapping[str, Any], part: Part) -> bool:
    """Whether an answer bears the marks of other methods, and not its own."""
    alike = (each for each in PARTS.values() if each.member == part.member)
    kinds = {each.method for each in alike if each.mark and each.mark in value}
    return bool(kinds) and part.method not in kinds


def _find_named(sizes: Any) -> set[str]:
    """The ids in the addresses of a list of sizes."""
    rows = [row for row in sizes if isinstance(row, dict)] if isinstance(sizes, list) else []
    texts = (str(row.get(name)) for row in rows for name in ("source", "url"))
    return {first or second for text in texts for first, second in _IN_ADDRESS.findall(text)}
