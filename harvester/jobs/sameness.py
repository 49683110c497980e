"""Whether two descriptions of jobs ask for the same, however they are told; and if not, what differs. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harvester.errors import show

NAMES: Mapping[str, str] = {"user": "user_id", "user_id": "user_id", "group": "group_id", "group_id": "group_id"}
"""The fields of a description that name somebody, and the argument that holds the id once it is looked up."""
_DEFAULTS: Mapping[str, Any] = {
    "tag_mode": "any",
    "sort": "date-posted-desc",
    "media": "all",
    "detail": "full",
    "sizes": "call",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """A field of two jobs that differs: the value of the archive, and the one that is asked for. None is none."""

    field: str
    known: Any
    asked: Any

    def __str__(self) -> str:
        title = {"user_id": "user", "group_id": "group", "content_type": "content types"}.get(self.field, self.field)
        return f"{title.replace('_', ' ')} ({_name(self.known)} there, {_name(self.asked)} here)"


def _name(value: Any) -> str:
    if value is None:
        return "none"
    return show(", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value))


def list_differences(known: Mapping[str, Any], asked: Mapping[str, Any]) -> list[Difference]:
    """The fields in which two descriptions of jobs ask for something else, in their order."""
    meanings = _read_all(known), _read_all(asked)
    fields = dict.fromkeys([*known, *asked])
    if any(len(meaning.get("tags", ())) < 2 for meaning in meanings):
        fields.pop("tag_mode", None)  # of one tag, any and all are the same
    return [
        Difference(field, known.get(field), asked.get(field))
        for field in fields
        if meanings[0].get(field) != meanings[1].get(field)
    ]


def leave_out_same_people(differences: Sequence[Difference], ids: Mapping[str, str]) -> list[Difference]:
    """The differences without the names that are the id which was looked up when the archive was begun."""
    return [each for each in differences if each.field not in NAMES or _fold(each.asked) != ids.get(NAMES[each.field])]


def is_open(difference: Difference) -> bool:
    """Whether only Flickr can tell: two names, or a name and an id, may be one person."""
    both = difference.known is not None and difference.asked is not None
    are_ids = _is_id(difference.known) and _is_id(difference.asked)
    return difference.field in NAMES and both and not are_ids


def _read_all(job: Mapping[str, Any]) -> dict[str, Any]:
    """What the fields mean, for comparing."""
    return {**_DEFAULTS, **{name: _READERS.get(name, _read_plain)(value) for name, value in job.items()}}


def _read_plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _read_set(value: Any) -> frozenset[str]:
    texts = value if isinstance(value, list | tuple) else str(value).split(",")
    return frozenset(str(text).strip() for text in texts)


def _read_tags(value: Any) -> frozenset[str]:
    """Tags are found whatever their case (WordPress/openverse#4906)."""
    return frozenset(tag.lower() for tag in _read_set(value))


def _read_box(value: Any) -> Any:
    try:
        return tuple(float(number) for number in str(value).split(","))
    except ValueError:
        return value


def _fold(value: Any) -> str:
    """A name without the blanks around it; an id in capitals."""
    text = str(value).strip()
    return text.upper() if _is_id(text) else text


def _is_id(value: Any) -> bool:
    number, at, rest = str(value).strip().upper().partition("@N")
    return bool(at) and number.isdecimal() and rest.isdecimal()


_READERS: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("tags", "machine_tags"), _read_tags),
    **dict.fromkeys(("license", "kinds", "hydrate", "with", "extras"), _read_set),
    **dict.fromkeys(NAMES, _fold),
    "bbox": _read_box,
}
