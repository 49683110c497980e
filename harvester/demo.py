"""A harvest from a sandbox in this very process: all of it to be seen, without a key and without Flickr."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from harvester.config.settings import Settings
from harvester.jobs.model import Job, Search
from harvester.sandbox.catalogue import CatalogueOptions
from harvester.sandbox.faults import Faults
from harvester.sandbox.server import SandboxOptions, open_sandbox

PHOTOS = 1000
FAULTS = 0.02
KEY = "0123456789abcdef0123456789abcdef"
LONGEST = 48
"""Texts of a shown record are cut to so many characters."""
MOST = 4
"""Of an object in it so many members are shown."""
_TELLING = {
    "search": ("owner", "title", "datetaken", "tags"),
    "info": ("title", "owner", "dates", "views"),
    "sizes": ("size",),
}

Factory = Callable[[], asyncio.AbstractEventLoop] | None


@contextmanager
def serve_sandbox(options: SandboxOptions, *, loop_factory: Factory = None) -> Iterator[str]:
    """Serves a sandbox from a thread of its own; gives its address."""
    ready: Future[tuple[str, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        stop = asyncio.Event()
        async with open_sandbox(options) as sandbox:
            ready.set_result((sandbox.url, asyncio.get_running_loop(), stop))
            await stop.wait()

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=loop_factory) as runner:
                runner.run(serve())
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)

    thread = threading.Thread(target=run, name="sandbox", daemon=True)
    thread.start()
    url, loop, stop = ready.result()
    try:
        yield url
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


def build_sandbox(photos: int = PHOTOS) -> SandboxOptions:
    """The demo's sandbox: now and then it fails, as Flickr does."""
    return SandboxOptions(catalogue=CatalogueOptions(photos=photos), faults=Faults(any=FAULTS))


def build_harvest(url: str) -> tuple[Job, Settings]:
    """The demo's job: all photos at full detail. It has no quota, so no ledger of the user is changed."""
    job = Job(source=Search(min_upload_date="2004-01-01"))
    return job, Settings(api_key=KEY, api_url=url, quota=None, pace=None, direct=True)


def read_first(path: Path) -> str | None:
    """The first record of an archive, cut to a size that can be looked at; None where there is none."""
    with path.open(encoding="utf-8") as file:
        line = next(islice(file, 1), None)
    return None if line is None else json.dumps(shorten(json.loads(line)), ensure_ascii=False, indent=2)


def shorten(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record with its telling members only, and a count of the rest."""
    found = {}
    for name, value in record.items():
        if name in _TELLING and isinstance(value, Mapping):
            told = {key: _cut(value[key]) for key in _TELLING[name] if key in value}
            found[name] = {**told, "…": f"{len(value) - len(told)} more"} if len(told) < len(value) else told
        else:
            found[name] = value
    return found


def _cut(value: Any) -> Any:
    """Texts cut to a length, lists to their last item, objects to their first members that are plain."""
    if isinstance(value, str):
        return value if len(value) <= LONGEST else value[: LONGEST - 1] + "…"
    if isinstance(value, Mapping):
        plain = {key: _cut(member) for key, member in value.items() if not isinstance(member, Mapping | list)}
        return dict(islice(plain.items(), MOST))
    if isinstance(value, list):
        return ["…", _cut(value[-1])] if len(value) > 1 else [_cut(item) for item in value]
    return value
