"""Bringing an archive to a store: what is missing there, then the manifest, then away with what nobody reads."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from harvester.archive.disk.files import cannot_write
from harvester.archive.disk.layout import MANIFEST
from harvester.archive.disk.lock import lock_folder
from harvester.archive.folder import damaged
from harvester.archive.manifest import Manifest, decode_manifest
from harvester.archive.put_away import hash_file
from harvester.errors import CannotWrite, Exit, StoreFault
from harvester.objects import Store
from harvester.objects.publish import plan
from harvester.objects.publish.plan import BESIDE, Item


@dataclass(frozen=True, slots=True)
class Done:
    """What is published: how many files, of how many bytes; whether anything of it `is_new`."""

    files: int
    bytes: int
    is_new: bool


async def publish(folder: Path, store: Store) -> Done:
    """Have the store hold the archive as it is now, and nobody change the archive meanwhile.

    StopRun: a fault of the store, another archive is published there, a file is not what the manifest tells.
    """
    with lock_folder(folder):
        local = await asyncio.to_thread(_read_local, folder)
        there = await store.get(MANIFEST)
        before = check_same(store, local.manifest, there)
        facts = plan.describe(local.facts, local.items, before)
        is_new = there is None or not plan.is_same_copy(facts, orjson.loads(there))
        keys = {entry.key: entry.size async for entry in store.list() if plan.read_key(entry.key) is not None}
        missing = [item for item in local.items if keys.get(item.key) != item.bytes]
        for item in missing:
            await put_item(folder, store, item, is_other=item.key in keys)
        if is_new:
            await store.put(MANIFEST, plan.encode(facts))
        elif there is not None:
            facts = orjson.loads(there)
        for key in plan.find_stale(keys, facts):
            await store.delete(key)
    return Done(len(local.items), sum(item.bytes for item in local.items), is_new or bool(missing))


async def put_item(folder: Path, store: Store, item: Item, *, is_other: bool = False) -> None:
    """Put a file that is not there, or in the place of an object that `is_other` than its name tells."""
    await asyncio.to_thread(_check_content, folder / item.name, item)
    if is_other:
        await store.put(item.key, folder / item.name)
    else:
        await store.put_new(item.key, folder / item.name)


def check_same(store: Store, manifest: Manifest, there: bytes | None) -> Manifest | None:
    """The published manifest; None where there is none. StoreFault where it is that of another archive."""
    if there is None:
        return None
    found = decode_manifest(there)
    if found is not None and found.objects and plan.is_same_archive(found, manifest):
        return found
    what = "the archive of another job" if found is not None and found.objects else f"a {MANIFEST} of something else"
    raise StoreFault(f"{store.url} holds {what}: name another place with --publish.", exit_code=Exit.USAGE)


@dataclass(frozen=True, slots=True)
class _Local:
    manifest: Manifest
    facts: dict[str, Any]
    items: list[Item]


def _read_local(folder: Path) -> _Local:
    try:
        data = (folder / MANIFEST).read_bytes()
        manifest = decode_manifest(data)
        beside = [*_read_beside(folder)]
    except OSError as error:
        raise cannot_write(folder / MANIFEST, error) from None
    if manifest is None or not manifest.is_ended:
        raise CannotWrite(f"{folder / MANIFEST} is of no harvest that has ended: `harvester resume {folder}` goes on.")
    return _Local(manifest, orjson.loads(data), plan.list_items(manifest, beside))


def _read_beside(folder: Path) -> Iterator[Item]:
    for name in BESIDE:
        with suppress(FileNotFoundError):
            found = hash_file(folder / name)
            yield Item(name, found.bytes, found.sha256)


def _check_content(path: Path, item: Item) -> None:
    """CannotWrite where a file is not what is to be published: a copy would bless it."""
    try:
        with path.open("rb", buffering=0) as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            length = file.tell()
    except OSError as error:
        raise cannot_write(path, error) from None
    if length != item.bytes or digest != item.sha256:
        raise damaged(path, f"is not what {MANIFEST} tells")
