"""Proving a published copy by its manifest: every object read, its length and its sha256 compared."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from harvester.archive.disk.layout import MANIFEST
from harvester.archive.manifest import Manifest, Published, decode_manifest
from harvester.archive.put_away import hash_file
from harvester.errors import UsageError
from harvester.objects import Store
from harvester.objects.publish.plan import is_named_rightly, list_items
from harvester.text.words import name_count
from harvester.verify.verdict import Verdict

_READINGS = 3
"""Readings of a copy that is published anew meanwhile."""
_FOREIGN = f"{MANIFEST} names objects that are none of an archive's, and nothing is read in its name."


async def prove_published(store: Store) -> Verdict:
    """Read a published copy through. UsageError where there is none, StoreFault where the store fails."""
    data = await store.get(MANIFEST)
    if data is None:
        raise UsageError(f"{store.url} is no published archive: it has no {MANIFEST}.")
    for _ in range(_READINGS):
        findings = [finding async for finding in _find(store, data)]
        before, data = data, await store.get(MANIFEST) or b""
        if not findings or data == before:
            break
    notes = (f"Checked by {MANIFEST} alone, which was published with the files.",)
    return Verdict(folder=store.url, findings=tuple(findings), notes=notes, checked_by="manifest")


def list_objects(manifest: Manifest) -> Mapping[str, Published]:
    """The objects of a copy by the names of their files. One that nothing but a copying program has made has those."""
    named = {item.name: Published(item.name, item.bytes, item.sha256) for item in list_items(manifest)}
    return manifest.objects or named


def find_in_copy(folder: Path, manifest: Manifest) -> Iterator[str]:
    """One sentence for each object of a published copy in a folder that is not as it should be."""
    if not is_named_rightly(manifest.objects):
        yield _FOREIGN
        return
    for name, each in manifest.objects.items():
        path = next((path for path in (folder / each.key, folder / name) if path.is_file()), None)
        found = None
        with suppress(OSError):
            found = None if path is None or path.is_symlink() else hash_file(path)
        yield from _compare(name, each, None if found is None else found.bytes, "" if found is None else found.sha256)


async def _find(store: Store, data: bytes) -> AsyncIterator[str]:
    manifest = decode_manifest(data)
    if manifest is None:
        yield f"{MANIFEST} is damaged: remove it; `harvester resume` of the archive itself publishes it anew."
        return
    if not is_named_rightly(manifest.objects):
        yield _FOREIGN
        return
    is_damaged = False
    for name, each in list_objects(manifest).items():
        size, digest = await _measure(store, each)
        for finding in _compare(name, each, size, digest):
            is_damaged = True
            yield finding
    if is_damaged:
        yield "Remove from the copy what was changed; `harvester resume` of the archive itself publishes it anew."
    if manifest.status != "complete":
        yield f"The archive was published when it was {manifest.status}; `harvester resume` of it publishes the rest."


async def _measure(store: Store, each: Published) -> tuple[int | None, str]:
    """The length of an object, None where there is none; the sha256 of one that has the length that it should."""
    found = await store.head(each.key)
    if found is None or found.size != each.bytes:
        return (None if found is None else found.size), ""
    digest = hashlib.sha256()
    async for piece in store.stream(each.key):
        digest.update(piece)
    return found.size, digest.hexdigest()


def _compare(name: str, each: Published, size: int | None, digest: str) -> Iterator[str]:
    if size is None:
        yield f"{name} is missing."
    elif size != each.bytes:
        yield f"{name}: {name_count(size, 'byte')} where {MANIFEST} has {each.bytes:,}."
    elif digest != each.sha256:
        yield f"{name}: its sha256 is not that of {MANIFEST}: the file was changed."
