"""Whose a part is, as its answer tells. Pure.

getInfo, getExif and getFavorites name the photo in `id`, comments.getList in `photo_id`. getSizes names it only in the
addresses of its pictures and pages; each of the recorded answers names one photo there. people.getList and
getAllContexts do not name it at all. A refusal names it where it says `Photo "ID" not found (invalid ID)`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from harvester.errors import TryLater

NAMELESS = frozenset({"people", None})
"""Members whose answers do not say whose they are; None stands for all members of an answer."""
OFTEN_REFUSED = frozenset({"flickr.photos.getExif"})
"""Methods that Flickr often refuses without saying for which photo: many owners hide what their cameras wrote."""
KINDS: Mapping[str, str] = {
    "flickr.photos.getInfo": "owner",
    "flickr.photos.getExif": "exif",
    "flickr.photos.getFavorites": "person",
}
"""What tells answers apart that all have a `photo`: a member that this method's have and the others' do not."""
_CONTEXTS = frozenset({"set", "pool"})
_MEMBERS = frozenset({"photo", "sizes", "comments", "people", "photos", "photoset", "photosets", "person", "user"})
"""Members of answers to other methods than getAllContexts."""
_IN_ADDRESS = re.compile(r"/(\d+)_\w+\.\w+|/photos/[^/]+/(\d+)")
_IN_REFUSAL = re.compile(r'Photo "(\d+)" not found')


def check_whose(answer: Mapping[str, Any], *, method: str, member: str | None, photo_id: str) -> None:
    """Raise TryLater for an answer that names another photo than `photo_id`, or is the answer to another method."""
    value = answer.get(member) if member else None
    is_other = member not in answer and not (_MEMBERS | _CONTEXTS if member else _MEMBERS).isdisjoint(answer)
    if isinstance(value, dict):
        is_other = _names_other(value, member, photo_id) or (member == "photo" and _is_other_kind(value, method))
    named = _IN_REFUSAL.search(str(answer.get("message")))
    if is_other or (named is not None and named[1] != photo_id):
        raise TryLater("an answer to something else than was asked", astray=True)


def names_refused(body: bytes, photo_id: str) -> bool:
    """Whether an answer, as it came, is a refusal that names this photo."""
    return b'Photo \\"%s\\" not found' % photo_id.encode() in body


def _names_other(value: Mapping[str, Any], member: str | None, photo_id: str) -> bool:
    if member == "sizes":
        named = _find_named(value.get("size"))
        return bool(named) and photo_id not in named
    return str(value.get("photo_id" if member == "comments" else "id", photo_id)) != photo_id


def _is_other_kind(value: Mapping[str, Any], method: str) -> bool:
    kinds = {known for known, mark in KINDS.items() if mark in value}
    return bool(kinds) and method not in kinds


def _find_named(sizes: Any) -> set[str]:
    """The ids in the addresses of a list of sizes."""
    rows = [row for row in sizes if isinstance(row, dict)] if isinstance(sizes, list) else []
    texts = (str(row.get(name)) for row in rows for name in ("source", "url"))
    return {first or second for text in texts for first, second in _IN_ADDRESS.findall(text)}
