"""The engine from Python without `async`, for scripts and notebooks: harvests, and archives on the disk."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypedDict, Unpack

import msgspec

from harvester.archive.disk.record import Record
from harvester.archive.lines import read_photo_lines, tell_damaged
from harvester.config.settings import read_settings
from harvester.errors import Summary, UsageError, show
from harvester.events import Observer
from harvester.export.columns import choose_columns
from harvester.export.run import Exported, Order, export, read_since
from harvester.export.source import open_source
from harvester.export.work import Format
from harvester.flickr.methods import Detail, SizesFrom
from harvester.jobs.model import Source
from harvester.python.api import Flickr
from harvester.python.archive_task import RepairReport
from harvester.python.harvest import Harvest
from harvester.python.lists import ArchivedEntries, Entries
from harvester.python.loop_thread import LoopThread
from harvester.python.photo import Photo
from harvester.status.inspect import read_report
from harvester.status.report import Report
from harvester.verify.archive import Verdict, prove_archive


def _is_json(line: bytes) -> bool:
    try:
        msgspec.json.decode(line, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True


class Options(TypedDict, total=False):
    """What `Flickr` takes, too."""

    api_key: str | None
    api_secret: str | None
    oauth_token: str | None
    oauth_token_secret: str | None
    api_url: str | None
    quota: str
    quota_ledger: str | None
    pace: str
    workers: int
    give_up_after: str | float | None
    observer: Observer


def harvest(
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
    **options: Unpack[Options],
) -> BlockingHarvest:
    """The photos of a source in a plain loop, each id once.

        for photo in harvest(Search(tags=["monkey"]), detail="info"):
            print(photo.id, photo.info["title"]["_content"])

    All is as with `Flickr(**options).harvest(source, …)`, whose event loop runs in a thread of its own here: it does
    not matter whether one is running where this is called, as in a notebook. An observer is called in that thread.
    Leaving the loop ends the harvest at once, unless a variable holds it: then use `with`. With `archive`, the photos
    are kept in that folder, and the same call goes on where an earlier one ended; `publish` keeps a copy in a store.
    Raises what `Flickr` raises.
    """
    flickr = Flickr(**options)
    loop = LoopThread()
    try:
        under_way = loop.run(
            _begin(
                flickr,
                source,
                archive=archive,
                publish=publish,
                detail=detail,
                sizes=sizes,
                extras=extras,
                limit=limit,
                rotate=rotate,
                compress=compress,
                allow_incomplete=allow_incomplete,
            )
        )
    except BaseException:
        loop.close()
        raise
    return BlockingHarvest(under_way, loop)


async def _begin(flickr: Flickr, source: Source, **arguments: Any) -> Harvest:
    return flickr.harvest(source, **arguments)


class BlockingHarvest(Iterator[Photo]):
    """A harvest under way. Iterate over it; `summary` says how it ended, once it has."""

    def __init__(self, under_way: Harvest, loop: LoopThread) -> None:
        self._harvest = under_way
        self._loop = loop
        self._close = weakref.finalize(self, _end, under_way, loop)

    @property
    def summary(self) -> Summary | None:
        """How it ended; None before, and where it was left early."""
        return self._harvest.summary

    @property
    def entries(self) -> Entries:
        """What comes besides photos: sets with their members, collections, people and the like, as far as they came."""
        return self._harvest.entries

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __next__(self) -> Photo:
        if not self._close.alive:
            raise StopIteration
        try:
            return self._loop.run(_take(self._harvest))
        except StopAsyncIteration:
            self.close()
            raise StopIteration from None
        except BaseException:  # also Ctrl-C while waiting
            self.close()
            raise

    def close(self) -> None:
        """End the harvest; nothing of it is left running."""
        self._close()


async def _take(photos: Harvest) -> Photo:
    return await anext(photos)


def _end(under_way: Harvest, loop: LoopThread) -> None:
    try:
        loop.run(under_way.aclose())
    finally:
        loop.close()


class Archive(Iterable[Photo]):
    """An archive's folder, to be read: nothing in it is changed, and a harvest may be at work there.

        for photo in Archive("monkeys"):
            print(photo.id, photo.taken, photo.title)

    It is opened anew by each look at it, so that a harvest's progress shows. What begins to iterate reads the photos
    that are there at that moment. UsageError where the folder holds no archive, or where a line is damaged.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        path = os.fspath(folder) if isinstance(folder, str | os.PathLike) else None
        if not isinstance(path, str):
            raise UsageError(f"{show(folder)} is not the path of a folder: use a text or a Path.", field="folder")
        self.folder = Path(path)
        open_source(self.folder)

    def __repr__(self) -> str:
        return f"<Archive {self.folder}>"

    def __len__(self) -> int:
        """How many photos there are."""
        return open_source(self.folder).lines

    def __iter__(self) -> Iterator[Photo]:
        for number, (photo_id, line) in enumerate(read_photo_lines(self.folder), 1):
            if not _is_json(line):
                raise tell_damaged(self.folder, f"line {number}")
            yield Photo(Record(photo_id, line))

    @property
    def entries(self) -> Entries:
        """What is there besides photos: sets with their members, collections, people, galleries, groups, contacts."""
        return ArchivedEntries(self.folder)

    @property
    def missing(self) -> Mapping[str, str]:
        """The photos that could not be had, by id, and why."""
        return open_source(self.folder).failures

    def status(self) -> Report:
        """How it stands, as `harvester status --json` tells it. No call is made."""
        with ThreadPoolExecutor(1) as thread:  # an event loop may be running in this one
            return thread.submit(read_report, self.folder, read_settings({}, environ=os.environ)).result()

    def verify(self) -> Verdict:
        """Read all of it through, and hold it against its checksums: `is_whole`, and `findings` if it is not."""
        return prove_archive(self.folder)

    def update(
        self,
        *,
        publish: str | os.PathLike[str] | None = None,
        allow_incomplete: bool = False,
        **options: Unpack[Options],
    ) -> Summary:
        """Bring it up to date, as `Flickr(**options).update(…)` does."""
        with LoopThread() as loop:
            return loop.run(_update(Flickr(**options), self.folder, publish=publish, allow_incomplete=allow_incomplete))

    def repair(self, *, dry_run: bool = False) -> RepairReport:
        """Make it whole from whatever is left of it, as `Flickr.repair` does. No call is made."""
        with LoopThread() as loop:
            return loop.run(_repair(self.folder, dry_run=dry_run))

    def export(
        self,
        output: str | os.PathLike[str],
        *,
        format: Format,  # noqa: A002 - the option's name
        columns: Sequence[str] = (),
        since: str | None = None,
        rejects: str | os.PathLike[str] | None = None,
    ) -> Exported:
        """Write one flat, typed row a photo, as `harvester export` does; how many rows, and what did not fit.

        `columns` names some of them, all if there are none; `since` is a date or time as the command takes it: photos
        harvested before it are left out. CannotWrite or UsageError where that cannot be done; nothing is then left.
        """
        order = Order(
            folders=[self.folder],
            format=format,
            output=_read_path(output),
            columns=choose_columns(",".join(columns) or None),
            since=read_since(since),
            rejects=None if rejects is None else Path(rejects),
        )
        return export(order)

    def report(self, output: str | os.PathLike[str], *, thumbnails: bool = False, anonymize: bool = False) -> int:
        """Write a page of HTML about it, as `harvester report` does; how many photos it counts. No call is made.

        `thumbnails` links pictures, which whoever opens the page loads from Flickr; `anonymize` leaves out names.
        CannotWrite or UsageError where that cannot be done; what was there before then stays.
        """
        from harvester.web.report import run  # noqa: PLC0415

        order = run.Order(folders=[self.folder], output=_read_path(output), pictures=thumbnails, anonymous=anonymize)
        return run.write_report(order).rows


def _read_path(output: str | os.PathLike[str]) -> Path:
    if not isinstance(output, str | os.PathLike):
        raise UsageError(f"{show(output)} is not the path of a file: use a text or a Path.", field="output")
    return Path(output)


async def _update(flickr: Flickr, folder: Path, **arguments: Any) -> Summary:
    return await flickr.update(folder, **arguments)


async def _repair(folder: Path, *, dry_run: bool) -> RepairReport:
    return await Flickr.repair(folder, dry_run=dry_run)
