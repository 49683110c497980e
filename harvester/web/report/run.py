"""A report: from archives to one page in a file, or on standard output."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from msgspec.structs import replace

from harvester.about import __version__
from harvester.archive.disk.layout import CHANGES
from harvester.archive.disk.modes import find_mode
from harvester.export.pool import do_all
from harvester.export.row import attribute
from harvester.export.run import list_tasks
from harvester.export.source import LISTS_OF_PHOTOS, Source, open_source
from harvester.export.target import StandardOutput, check_target, open_target
from harvester.export.work import Task
from harvester.flickr.codes import NSID
from harvester.jobs.values import stamp
from harvester.web.page import build_page, read_bundle
from harvester.web.report.anonymous import leave_out_names
from harvester.web.report.counts import Viewed
from harvester.web.report.model import Archive, Report, encode
from harvester.web.report.reuse import read_terms
from harvester.web.report.survey import Survey
from harvester.web.report.told import name_archives, read_archive
from harvester.web.report.total import Total, show_times

_AT_ONCE = 16
"""Stretches of a MB that are counted at once: so few counts go from one process to another."""
_WORTH_TWO = 64 << 20
"""Bytes that are worth a second process."""
PICTURES = "https://live.staticflickr.com https://*.staticflickr.com"
"""The hosts of Flickr's pictures, for the policy of a page that links them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a report is to be made of, and how. `output` None is standard output."""

    folders: Sequence[Path]
    output: Path | None
    pictures: bool = False
    """Whether the page links pictures, which are then loaded from Flickr."""
    anonymous: bool = False
    workers: int | None = None
    """Processes; None for as many as it is worth."""


@dataclass(slots=True)
class Reported:
    """How far a report is: photos counted, and photos there."""

    expected: int
    rows: int = 0
    is_complete: bool = True


def write_report(order: Order, on_progress: Callable[[Reported], None] = lambda _: None) -> Reported:
    """Make a report. Nothing is left of one that fails or is stopped; UsageError where there is no archive."""
    if order.output is not None:
        check_target(order.output, order.folders, is_folder=False)
    sources = [open_source(folder, lists=(*LISTS_OF_PHOTOS, CHANGES)) for folder in order.folders]
    reported = Reported(
        expected=sum(source.lines for source in sources), is_complete=all(source.is_complete for source in sources)
    )
    page = draw(survey(sources, order, reported, on_progress)).encode()
    if order.output is None:
        StandardOutput().write(page)
    else:
        mode = max((find_mode(source.folder) for source in sources), key=lambda mode: mode & 0o077 == 0)
        with open_target(order.output, mode=mode) as file:
            file.write(page)
    return reported


def survey(
    sources: Sequence[Source], order: Order, reported: Reported, on_progress: Callable[[Reported], None]
) -> Report:
    """What the page says. UsageError where a line is damaged."""
    names = name_archives([source.folder for source in sources])
    archives = [read_archive(source, name) for source, name in zip(sources, names, strict=True)]
    with Total() as total:
        workers = order.workers or _choose_workers(sources)
        for counts in do_all(_group(list_tasks(sources)), Survey(), workers=workers):
            total.add(counts)
            reported.rows += counts.simple.photos
            on_progress(reported)
        report = _build(archives, total, sources, pictures=order.pictures)
    if order.anonymous:
        return leave_out_names(report)
    return report if order.pictures else replace(report, viewed=[replace(each, picture="") for each in report.viewed])


def _build(archives: list[Archive], total: Total, sources: Sequence[Source], *, pictures: bool) -> Report:
    counts, few = total.counts, total.counts.few
    degrees, cells = total.list_cells()
    return Report(
        version=__version__,
        made=stamp(time.time()),
        is_anonymous=False,
        has_pictures=pictures,
        archives=archives,
        counts=total.count_simple(),
        harvested=counts.harvested,
        uploaded=show_times(counts.uploaded),
        taken=show_times(counts.taken),
        degrees=degrees,
        cells=cells,
        countries=total.rank("countries"),
        tags=total.rank_tags(),
        licenses=total.list_licenses(),
        licenses_by_year=total.list_licenses_by_year(),
        owners=total.rank_owners(),
        albums=total.rank_albums(sources),
        cameras=total.rank("cameras"),
        lenses=total.rank("lenses"),
        formats=total.rank("formats"),
        largest=total.rank("sizes"),
        refusals=total.list_refusals(),
        pixels=sorted(few.pixels.items()),
        shapes=dict(few.shapes.most_common()),
        views=sorted(few.views.items()),
        viewed=counts.most_viewed,
        attribution=_give_example(counts.most_viewed),
    )


def draw(report: Report) -> str:
    """The page."""
    names = ", ".join(archive.name for archive in report.archives)
    allow = {"img-src": PICTURES} if report.has_pictures else {}
    return build_page(read_bundle("report"), title=f"{names} · harvester report", data=encode(report), allow=allow)


def _give_example(photos: Iterable[Viewed]) -> str:
    """How one of the photos is to be attributed; "" where none of them needs that."""
    for photo in photos:
        page = find_page(photo)
        if photo.author and page and read_terms(photo.license).must_attribute:
            return attribute(photo.title, photo.author, page, photo.license) or ""
    return ""


def find_page(photo: Viewed) -> str:
    """The address of a photo's page, of its ids; "" where these are none."""
    is_sound = photo.id.isdecimal() and photo.id.isascii() and NSID.fullmatch(photo.owner)
    return f"https://www.flickr.com/photos/{photo.owner}/{photo.id}/" if is_sound else ""


def _group(tasks: Iterator[Task]) -> Iterator[tuple[Task, ...]]:
    while some := tuple(islice(tasks, _AT_ONCE)):
        yield some


def _choose_workers(sources: Iterable[Source]) -> int:
    is_much = sum(source.photos.bytes for source in sources) > _WORTH_TWO
    return min(os.cpu_count() or 1, 2) if is_much else 1
