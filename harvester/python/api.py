"""The engine from Python: photos as an async stream."""

from __future__ import annotations

import os
import warnings
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from harvester.auth.token_store import add_login, config_folder
from harvester.config.settings import Settings, load_config, read_folder, read_settings
from harvester.errors import Summary, UsageError, show
from harvester.events import Observer, ignore
from harvester.flickr.methods import Detail, SizesFrom
from harvester.jobs.model import Job, Source, check_limit
from harvester.jobs.rotation import choose_rotation
from harvester.objects.publish.beside import read_address
from harvester.python.archive_task import ArchiveTask, RepairReport, repair, update
from harvester.python.calls import Calls
from harvester.python.harvest import Harvest, check_complete
from harvester.python.harvest_task import HarvestTask, begin_archive, begin_stream
from harvester.python.running import RunningTasks
from harvester.transport.calls.arguments import Argument


class Flickr:
    """The way in from Python.

        async with Flickr(api_key="…") as flickr:
            async for photo in flickr.harvest(Search(tags=["monkey"]), detail="full"):
                print(photo.id, photo.info["title"]["_content"])

    What is not given of `api_key`, `api_secret`, `oauth_token`, `oauth_token_secret` and `api_url` is taken from
    FLICKR_API_KEY, FLICKR_API_SECRET and so on. With a token and its secret, calls are signed, and private photos
    that its owner may see are included; the login that `harvester auth login` keeps is used by `from_config` alone.
    `quota` is kept over all processes of this user, `pace` by this one; both are texts such as `3600/h`, or `none`.
    `quota_ledger`, as `redis://host:6379/0`, has a server keep it for several machines.
    An outage longer than `give_up_after` (seconds, or `30m`) ends a harvest; without it, outages are waited out. A
    slow consumer slows the harvest. Leaving the client's block ends all its harvests, at the same time; one alone ends
    with `async with flickr.harvest(…) as photos:`, or when a loop is left and no variable holds the harvest. Another
    thread or event loop needs a client of its own. What an `observer` raises ends the harvest and is raised there.
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
        quota_ledger: str | None = None,
        pace: str = "5/s",
        workers: int = 16,
        give_up_after: str | float | None = None,
        observer: Observer = ignore,
    ) -> None:
        limits = {"quota": quota, "pace": pace, "workers": workers}
        optional = {
            "api_key": api_key,
            "api_secret": api_secret,
            "oauth_token": oauth_token,
            "oauth_token_secret": oauth_token_secret,
            "api_url": api_url,
            "give_up_after": give_up_after,
            "quota_ledger": quota_ledger,
        }
        given = {name: value for name, value in optional.items() if value not in (None, "")}
        self._set_up(read_settings({**limits, **given}, environ=os.environ), observer)

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
        self._observer = _check_observer(observer)
        self._under_way = RunningTasks()
        self._calls = Calls(settings, self._observer, self._under_way)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._under_way.end()

    def harvest(
        self,
        source: Source,
        *,
        archive: str | os.PathLike[str] | None = None,
        publish: str | os.PathLike[str] | None = None,
        detail: Detail = "full",
        sizes: SizesFrom = "call",
        extras: Sequence[str] = (),
        limit: int | None = None,
        rotate: str | int | None = None,
        compress: str | None = None,
        allow_incomplete: bool = False,
        observer: Observer | None = None,
    ) -> Harvest:
        """The photos of a source, as they are fetched; each id once. It begins at once, in the running event loop.

        `archive` names a folder in which they are kept, as by `harvester … -o`. Each photo is on the disk when the
        loop gets it, and the archive gets no photo that the loop does not. When the loop was left, or the process was
        killed, the same call goes on: it gives the photos that the archive does not hold yet. Where it asks for more of
        each photo than the archive has (`detail`, `sizes`, `extras`), the lines that are there get the missing parts at
        the end; the loop gets no photo twice. With `sizes` "listing" the sizes are those of the listing's row, for no
        call, where that tells them. `publish` keeps a copy of the archive in a store, as `--publish` does; what could
        not be published makes the harvest incomplete. `rotate` closes a part of the archive every so many photos, or as
        "256MB", and `compress` says how they are packed: "zstd", "gzip" or "none". `observer` watches this harvest in
        place of the client's.
        """
        job = Job(source=source, detail=detail, sizes=sizes, extras=extras, limit=limit)
        folder, observer = None if archive is None else _read_archive(archive), self._choose(observer)
        address = _read_publish(publish)
        if address is not None and folder is None:
            raise UsageError("only an archive can be published: name its folder as `archive`.", field="publish")
        if observer is ignore:
            for sentence in job.warnings:
                warnings.warn(sentence, stacklevel=2)
        rotation = choose_rotation(rotate, compress, has_archive=folder is not None)
        archived = partial(begin_archive, limit=limit, publish=address, rotation=rotation)
        begin = begin_stream if folder is None else partial(archived, folder=folder)
        return self._begin(partial(begin, job, observer=observer), allow_incomplete=allow_incomplete)

    def resume(
        self,
        archive: str | os.PathLike[str],
        *,
        publish: str | os.PathLike[str] | None = None,
        limit: int | None = None,
        allow_incomplete: bool = False,
        observer: Observer | None = None,
    ) -> Harvest:
        """The photos that an archive lacks still: it knows what it was begun with. Its deepening is gone on with.

        It also knows where it is published; `publish` names another place.

        An update is gone on with by `update`.
        """
        folder = _read_archive(archive)
        check_limit(limit)
        archived = partial(begin_archive, None, folder=folder, limit=limit, publish=_read_publish(publish))
        begin = partial(archived, observer=self._choose(observer))
        return self._begin(begin, allow_incomplete=allow_incomplete)

    async def update(
        self,
        archive: str | os.PathLike[str],
        *,
        publish: str | os.PathLike[str] | None = None,
        allow_incomplete: bool = False,
        observer: Observer | None = None,
    ) -> Summary:
        """Bring a complete archive up to date, as `harvester update` does, or go on with that; a deepening first.

        Until it is through, the archive stays as it was. Cancelled, it first comes to a clean end, which takes
        seconds at most; the same call goes on. Incomplete is raised where it did not come through, or where some
        could not be had, unless `allow_incomplete` is true: the summary then says so.
        """
        folder = _read_archive(archive)
        address, observer = _read_publish(publish), self._choose(observer)
        start = partial(update, folder, self._settings, publish=address, observer=observer)
        task = self._under_way.begin(lambda: ArchiveTask(lambda stop: start(stop=stop)))
        summary = await task.wait()
        if not allow_incomplete:
            check_complete(summary, what="update")
        return summary

    @staticmethod
    async def repair(
        archive: str | os.PathLike[str], *, dry_run: bool = False, observer: Observer = ignore
    ) -> RepairReport:
        """Make a damaged archive whole from whatever is left of it, as `harvester repair` does. No call is made.

        `resume` then fetches what was lost. No client is needed: `await Flickr.repair("DIR")`. Cancelled, it still
        runs to its end, which takes two minutes for a million photos.
        """
        return await repair(_read_archive(archive), dry_run=dry_run, observer=_check_observer(observer))

    async def call(
        self, method: str, /, *, write: bool = False, unlisted: bool = False, **arguments: Argument
    ) -> dict[str, Any]:
        """The answer of any of Flickr's methods, whole, as in `await flickr.call("flickr.photos.getInfo", photo_id=1)`.

        Paced, within the quota, retried, and signed where there is a login. Lists are joined by commas, True and False
        are 1 and 0, None is left out. `write` allows a method that changes what is at Flickr. Such a call is sent once:
        OutcomeUnknown is raised where its answer is lost. `unlisted` allows a method that the package does not know.
        Raises UsageError for a name or an argument that is none, Refused with Flickr's code where Flickr refuses,
        KeyRefused where a login is lacking, GivenUp where the call fails time and again.
        """
        return await self._calls.call(method, arguments, write=write, unlisted=unlisted)

    def pages(
        self, method: str, /, *, unlisted: bool = False, allow_incomplete: bool = False, **arguments: Argument
    ) -> AsyncIterator[dict[str, Any]]:
        """The rows of all pages of a list, each once: `async for row in flickr.pages("flickr.contacts.getList"): …`.

        A page is asked for when the loop has taken the one before. At the end Incomplete is raised where more than a
        fifth of what Flickr claimed did not come, as of a search with more than 4,000 results, unless
        `allow_incomplete` is true. Raises what `call` raises, and UsageError where the answer is no list.
        """
        return self._calls.pages(method, arguments, unlisted=unlisted, allow_incomplete=allow_incomplete)

    def _choose(self, observer: Observer | None) -> Observer:
        """The observer of one harvest: its own or the client's."""
        return self._observer if observer is None else _check_observer(observer)

    def _begin(self, begin: Callable[..., HarvestTask], *, allow_incomplete: bool) -> Harvest:
        """Begin a harvest, which the client's block ends."""
        work = self._under_way.begin(partial(begin, settings=self._settings))
        return Harvest(work, allow_incomplete=allow_incomplete)


def _check_observer(observer: Observer) -> Observer:
    if not callable(observer):
        raise UsageError(f"{show(observer)} cannot be called; give a function of one event.", field="observer")
    return observer


def _read_publish(address: object) -> str | None:
    text = os.fspath(address) if isinstance(address, str | os.PathLike) else address
    if text is None or isinstance(text, str):
        return None if text is None else read_address(text)
    raise UsageError(f"{show(address)} is no address of a store: use a text or a Path.", field="publish")


def _read_archive(archive: object) -> Path:
    path = os.fspath(archive) if isinstance(archive, str | os.PathLike) else None
    if not isinstance(path, str):
        raise UsageError(f"{show(archive)} is not the path of a folder: use a text or a Path.", field="archive")
    return read_folder(path, field="archive", has_stream=False)
