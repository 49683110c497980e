"""The engine from Python: photos as an async stream."""

from __future__ import annotations

import asyncio
import os
import tempfile
import warnings
import weakref
from collections.abc import AsyncIterator, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from harvester.config import API_URL, Settings, load_config, read_duration
from harvester.engine import harvest
from harvester.errors import Incomplete, UsageError
from harvester.events import Observer, Summary, ignore
from harvester.logins import add_login, config_folder
from harvester.model import Detail, Extra, Job, Source
from harvester.quota import Rate
from harvester.record import Record
from harvester.sinks import ChannelSink
from harvester.state import State

AHEAD = 64
"""Photos fetched ahead of the consumer; more would be lost work when the loop is left early."""


class Photo:
    """A harvested photo. Its members are what Flickr sent, parsed; a part refused for good is None."""

    def __init__(self, record: Record) -> None:
        self.id = record.id
        self.line = record.line
        """The photo's line of NDJSON, as an archive holds it."""

    def __repr__(self) -> str:
        return f"<Photo {self.id}>"

    @cached_property
    def record(self) -> dict[str, Any]:
        """The whole line, parsed: `id`, `harvested_at`, `search` and each part asked for."""
        found: dict[str, Any] = orjson.loads(self.line)
        return found

    @property
    def harvested_at(self) -> str:
        """When it was fetched: `2026-11-23T22:30:05Z`."""
        return str(self.record["harvested_at"])

    @property
    def search(self) -> Any:
        """The listing's row; None for a photo given by id."""
        return self.record["search"]

    @property
    def info(self) -> Any:
        """The `photo` of flickr.photos.getInfo."""
        return self.record.get("info")

    @property
    def sizes(self) -> Any:
        """The `sizes` of flickr.photos.getSizes."""
        return self.record.get("sizes")

    @property
    def errors(self) -> dict[str, dict[str, Any]]:
        """Code and message of each part that Flickr refuses, by its name."""
        errors: dict[str, dict[str, Any]] = self.record.get("errors", {})
        return errors


class _Work:
    """The task of one harvest. It knows nothing of the Harvest, so that the Harvest is collected when it is dropped."""

    def __init__(self, job: Job, settings: Settings, *, observer: Observer) -> None:
        self.queue: asyncio.Queue[Record | None] = asyncio.Queue(AHEAD)
        self.error: Exception | None = None
        self.summary: Summary | None = None
        self.loop = _find_loop()
        self.task = self.loop.create_task(self._run(job, settings, observer))
        self.task.add_done_callback(self._finish)

    async def _run(self, job: Job, settings: Settings, observer: Observer) -> None:
        try:
            with (
                tempfile.TemporaryDirectory(prefix="harvester-") as folder,
                State(Path(folder) / "state.sqlite", lasting=False) as state,
            ):
                self.summary = await harvest(
                    job, settings, state=state, sink=ChannelSink(self.queue), observer=observer, stop=asyncio.Event()
                )
        except Exception as error:  # noqa: BLE001 - it is raised where the consumer stands
            self.error = error
        await self.queue.put(None)

    def _finish(self, task: asyncio.Task[None]) -> None:
        """Wake whoever still waits for a photo of a harvest that was cancelled."""
        if task.cancelled():
            while not self.queue.empty():
                self.queue.get_nowait()
            self.queue.put_nowait(None)

    def drop(self) -> None:
        """Cancel the task once nobody can iterate any more. A collector may call this from another thread."""
        if not self.task.done() and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.task.cancel)

    async def end(self) -> None:
        """Cancel the task and wait until it has closed all that it opened."""
        self.task.cancel()
        await asyncio.wait({self.task})


def _find_loop() -> asyncio.AbstractEventLoop:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise UsageError(
            "A harvest runs in an event loop: call harvest() inside of an `async def` that asyncio.run() runs."
        ) from None


class Harvest(AsyncIterator[Photo]):
    """A harvest under way. Iterate over it; `summary` says how it ended, once it has.

    `async with` ends it where its block is left. A plain loop ends it when the Harvest is dropped, which is at once
    unless a variable holds it.
    """

    def __init__(self, work: _Work, *, allow_incomplete: bool) -> None:
        self._work = work
        self._allow_incomplete = allow_incomplete
        weakref.finalize(self, work.drop).atexit = False

    @property
    def summary(self) -> Summary | None:
        """How it ended; None before, and where it was left early."""
        return self._work.summary

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def __anext__(self) -> Photo:
        try:
            record = await self._work.queue.get()
        except asyncio.CancelledError:
            await self._work.end()
            raise
        if record is not None:
            return Photo(record)
        self._work.queue.put_nowait(None)  # the end stays for whoever asks again
        await asyncio.wait({self._work.task})
        self._check_end()
        raise StopAsyncIteration

    def _check_end(self) -> None:
        """Raise what is wrong with the end."""
        error, self._work.error = self._work.error, None
        if error:
            raise error
        if self._allow_incomplete:
            return
        if self._work.task.cancelled():
            raise Incomplete("This harvest was ended before it had brought all of its photos: begin another.")
        if self.summary and self.summary.status != "complete":
            raise Incomplete(_tell_incomplete(self.summary), summary=self.summary)

    async def aclose(self) -> None:
        """End the harvest; nothing of it is left running."""
        await self._work.end()


def _tell_incomplete(summary: Summary) -> str:
    told = f"The harvest is incomplete: it brought {summary.photos} photos."
    return " ".join((told, *summary.notes, "To take what there is, pass allow_incomplete=True."))


def _read_patience(given: str | float | None) -> float | None:
    try:
        return None if given is None else read_duration(given)
    except UsageError as error:
        raise UsageError(error.sentence, field="give_up_after") from None


class Flickr:
    """The way in from Python.

        async with Flickr(api_key="…") as flickr:
            async for photo in flickr.harvest(Search(tags=["monkey"]), detail="full"):
                print(photo.id, photo.info["title"]["_content"])

    What is not given of `api_key`, `api_secret`, `oauth_token`, `oauth_token_secret` and `api_url` is taken from
    FLICKR_API_KEY, FLICKR_API_SECRET and so on. With a token and its secret, calls are signed, and private photos
    that its owner may see are included; the login that `harvester auth login` keeps is used by `from_config` alone.
    `quota` is kept over all processes of this user, `pace` by this one; both are texts such as `3600/h`, or `none`.
    An outage longer than `give_up_after` (seconds, or `30m`) ends a harvest; without it, outages are waited out. A
    slow consumer slows the harvest. Leaving the loop early, or the block, ends the harvest and closes all it opened.
    A harvest that cannot have all raises Incomplete at its end, unless `allow_incomplete` is true. Errors are those
    of `harvester.errors`.
    """

    def __init__(
        self,
        *,
        api_key: str | None = None,
        api_secret: str | None = None,
        oauth_token: str | None = None,
        oauth_token_secret: str | None = None,
        api_url: str | None = None,
        quota: str = "3600/h",
        pace: str = "5/s",
        workers: int = 16,
        give_up_after: str | float | None = None,
        observer: Observer = ignore,
    ) -> None:
        if not 1 <= workers <= 1000:
            raise UsageError(f"{workers} is not a number of workers; use 1 to 1000.", field="workers")
        settings = Settings(
            api_key=api_key or os.environ.get("FLICKR_API_KEY"),
            api_secret=api_secret or os.environ.get("FLICKR_API_SECRET"),
            oauth_token=oauth_token or os.environ.get("FLICKR_OAUTH_TOKEN") or None,
            oauth_token_secret=oauth_token_secret or os.environ.get("FLICKR_OAUTH_TOKEN_SECRET") or None,
            api_url=api_url or os.environ.get("FLICKR_API_URL") or API_URL,
            quota=Rate.parse(quota),
            pace=Rate.parse(pace),
            workers=workers,
            give_up_after=_read_patience(give_up_after),
        )
        self._set_up(settings, observer)

    @classmethod
    def from_config(
        cls, path: str | Path | None = None, *, kept_login: bool = True, observer: Observer = ignore
    ) -> Self:
        """With the settings of a command line: those of the config file, and of the environment above them.

        Without `path` the file is looked for where the command looks. `kept_login` takes the login that
        `harvester auth login` keeps, where no other is given. Warnings of the file are Python warnings.
        """
        folder = config_folder()
        file = None if path is None else Path(path)
        config = load_config({}, config_path=file, environ=os.environ, cwd=Path(), user_folder=folder)
        settings, told = add_login(config.settings, folder) if kept_login else (config.settings, ())
        for sentence in (*config.warnings, *told):
            warnings.warn(sentence, stacklevel=2)
        flickr = cls.__new__(cls)
        flickr._set_up(settings, observer)  # noqa: SLF001 - its own class
        return flickr

    def _set_up(self, settings: Settings, observer: Observer) -> None:
        settings.require_key()
        self._settings = settings
        self._observer = observer
        self._under_way: set[_Work] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for work in tuple(self._under_way):
            await work.end()

    def harvest(
        self,
        source: Source,
        *,
        detail: Detail = "full",
        extras: Sequence[Extra] = (),
        limit: int | None = None,
        allow_incomplete: bool = False,
    ) -> Harvest:
        """The photos of a source, as they are fetched; each id once. It begins at once, in the running event loop."""
        job = Job(source=source, detail=detail, extras=extras, limit=limit)
        if self._observer is ignore:
            for sentence in job.warnings:
                warnings.warn(sentence, stacklevel=2)
        work = _Work(job, self._settings, observer=self._observer)
        self._under_way.add(work)
        work.task.add_done_callback(lambda _: self._under_way.discard(work))
        return Harvest(work, allow_incomplete=allow_incomplete)
