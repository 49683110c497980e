"""What a published archive consists of, and what is to be done to bring it up to the one on the disk. Pure.

    photos-00001.3fa9c1d2e4b5a607.ndjson.zst   a file, with the first half of half its sha256 in its name
    people.0b6d5c2a91f3e480.ndjson
    manifest.json                              written last, replaced at once: `objects` names all files

A reader takes the manifest and then the files that it names. Those of the manifest before stay until the next
publication (`superseded`), so that whoever has read that one can read to the end. What a crash has left, and what is
older, is removed once the new manifest is there. Where photos were withdrawn nothing older is left for anybody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harvester.archive.disk.layout import DAMAGED, DATA, ERRORS, WITHDRAWN, is_part, is_put_away
from harvester.archive.manifest import CHECKSUM, Manifest, Published, encode_manifest

BESIDE = (ERRORS, DAMAGED, WITHDRAWN)
"""Files that are published too, and of which the archive's own manifest says nothing."""
_DIGITS = 16
_KEY = re.compile(rf"((?:\w+/)?[^/.]+)\.[0-9a-f]{{{_DIGITS}}}(\.[a-z.]+)", re.ASCII)
_OF_DEPTH = frozenset({"detail", "sizes", "with", "extras"})
"""What of a job may change while its archive stays the same one."""


@dataclass(frozen=True, slots=True)
class Item:
    """A file of the archive that is to be published."""

    name: str
    bytes: int
    sha256: str

    @property
    def key(self) -> str:
        """Its name in the store."""
        return name_key(self.name, self.sha256)


def name_key(name: str, sha256: str) -> str:
    """The name in the store of a file with this content: the same name never stands for another."""
    stem, dot, suffix = name.partition(".")
    return f"{stem}.{sha256[:_DIGITS]}{dot}{suffix}"


def read_key(key: str) -> str | None:
    """The name of the file that an object is of; None where it is none of an archive's."""
    found = _KEY.fullmatch(key)
    name = found[1] + found[2] if found else ""
    return name if name in DATA or name in BESIDE or is_put_away(name) or is_part(name) else None


def list_items(manifest: Manifest, beside: Iterable[Item] = ()) -> list[Item]:
    """The files that an archive consists of, in the order in which they are put: what grows old least comes first."""
    put_away = (Item(name, each.bytes, each.sha256) for name, each in manifest.put_away.items() if not each.harmed)
    files = (Item(name, each.bytes, each.sha256) for name, each in manifest.files.items() if each.sha256 is not None)
    parts = (Item(part.name, part.bytes, part.sha256) for part in manifest.parts)
    return [*put_away, *parts, *files, *beside]


def describe(facts: Mapping[str, Any], items: Sequence[Item], before: Manifest | None) -> dict[str, Any]:
    """The facts of the manifest that is published, made of those of the archive's own.

    `before` is the published manifest that it takes the place of.
    """
    objects = {item.name: {"key": item.key, "bytes": item.bytes, "sha256": item.sha256} for item in items}
    known = {name: value for name, value in facts.items() if name != CHECKSUM}
    if isinstance(known.get("facts"), dict):  # where it is published is nobody else's concern
        known["facts"] = {name: value for name, value in known["facts"].items() if name != "publish"}
    keys = {item.key for item in items}
    superseded = _list_superseded(before, keys, withdrawn=_count_withdrawn(facts))
    return {**known, "objects": objects, **({"superseded": superseded} if superseded else {})}


def encode(facts: Mapping[str, Any]) -> bytes:
    """The published manifest as it is in the store."""
    return encode_manifest(facts)


def is_same_copy(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two published manifests are of the same archive at the same moment."""
    aside = {"superseded", CHECKSUM}
    return {k: v for k, v in one.items() if k not in aside} == {k: v for k, v in other.items() if k not in aside}


def is_same_archive(one: Manifest, other: Manifest) -> bool:
    """Whether two manifests are of one archive, or of one job harvested anew, with more or less of each photo.

    Photos given by id are in no job: there it is the moment at which the archive was begun that tells.
    """
    jobs = [{name: value for name, value in (m.job or {}).items() if name not in _OF_DEPTH} for m in (one, other)]
    return jobs[0] == jobs[1] and (one.begun == other.begun or jobs[0].get("source") != "photos")


def find_stale(keys: Iterable[str], facts: Mapping[str, Any]) -> Iterator[str]:
    """Of the objects of archives, those that a published manifest leaves nobody to read."""
    kept = {each["key"] for each in facts["objects"].values()} | set(facts.get("superseded", ()))
    return (key for key in keys if key not in kept)


def _list_superseded(before: Manifest | None, keys: set[str], *, withdrawn: int) -> list[str]:
    if before is None or withdrawn > len(before.withdrawn):
        return []
    return sorted({each.key for each in before.objects.values()} - keys)


def _count_withdrawn(facts: Mapping[str, Any]) -> int:
    kept = facts.get("facts")
    told = kept.get("withdrawn") if isinstance(kept, dict) else None
    return len(told) if isinstance(told, list) else 0


def is_named_rightly(objects: Mapping[str, Published]) -> bool:
    """Whether each object has the name that its content gives it, and is an archive's."""
    return all(each.key == name_key(name, each.sha256) and read_key(each.key) == name for name, each in objects.items())
