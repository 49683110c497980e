"""From stretches of photos.ndjson to counts. The same in this process and in one of several.

Lines are read as an export reads them. A value that does not fit is counted as unknown, and as a misfit.
"""

from __future__ import annotations

import gc
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, TypeAlias

from harvester.export.lines import LineReader
from harvester.export.reading import FURTHER, PLAIN, BrokenLine, Buffer, read_members
from harvester.export.row import find_largest, is_somewhere
from harvester.export.source import File, open_file, tell_damaged
from harvester.export.table import Size
from harvester.export.work import Task
from harvester.web.report.counts import MOST_VIEWED, Counts, Viewed, choose_viewed, span
from harvester.web.report.extras import read_albums, read_exif
from harvester.web.report.tally import Pair
from harvester.web.report.times import count_taken, count_uploads, name_year

AT_ONCE = 256
LONGEST = 120
"""Characters that are kept of a text: what is longer is told apart by no more than that."""
_MEMBERS = (*(column.name for column in PLAIN), *(f"{name}_" for name in FURTHER))
_WANTED = (
    "owner_id",
    "owner_username",
    "owner_realname",
    "owner_path_alias",
    "title",
    "license_id",
    "date_posted",
    "date_taken_text",
    "date_taken_granularity",
    "date_taken_unknown",
    "latitude",
    "longitude",
    "geo_accuracy",
    "country",
    "count_views",
    "count_faves",
    "count_comments",
    "media",
    "original_format",
    "is_public",
    "id_",
    "harvested_at_",
    "tags_",
    "sizes_",
    "errors_",
    "listed_tags_",
    "contexts_",
    "exif_",
)
_choose = itemgetter(*map(_MEMBERS.index, _WANTED))
_PICTURES = ("Small 320", "Small", "Thumbnail", "Large Square", "Medium")
_PICTURE = re.compile(r"https://(?:live|farm\d{1,3})\.staticflickr\.com/[\w./-]{1,150}", re.ASCII)
_NUMBERS = re.compile(r"\d{5,}(?:@N\d\d)?", re.ASCII)
_FORMAT = re.compile(r"[a-z0-9]{1,5}", re.ASCII)
Columns: TypeAlias = dict[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Survey:
    """The setup of a count: there is nothing to be set up."""

    def begin(self) -> Surveyor:
        """A worker."""
        return Surveyor()


class Surveyor:
    """Counts the photos of stretches."""

    def __init__(self) -> None:
        self._reader = LineReader()
        self._misfits = 0

    def do(self, tasks: Sequence[Task], /) -> Counts:
        """The counts of some stretches; UsageError where a line is damaged."""
        counts = Counts()
        gc.disable()  # no cycles are made here, and looking for them takes a tenth of the time
        try:
            for task in tasks:
                lines = self._reader.read(task.file, task.start, task.end, without=task.without)
                for n in range(0, len(lines), AT_ONCE):
                    self._count(lines[n : n + AT_ONCE], counts, task.file)
        finally:
            gc.enable()
        return counts

    def _count(self, lines: Sequence[memoryview], counts: Counts, file: File) -> None:
        try:
            rows = [_choose(read_members(line, self._note)) for line in lines]
        except BrokenLine as broken:
            raise tell_damaged(file, find_number(file, broken.line)) from None
        columns: Columns = dict(zip(_WANTED, zip(*rows, strict=True), strict=True))
        count_columns(columns, counts)
        counts.simple.misfits += self._misfits
        self._misfits = 0
        for told, line in zip(columns["contexts_"], lines, strict=True):
            if told is not None:
                counts.pairs.albums.update((each[:LONGEST], title[:LONGEST]) for each, title in read_albums(line))

    def _note(self, *_: object) -> None:
        self._misfits += 1


def find_number(file: File, line: bytes) -> int:
    """The number of a line, found by reading once more: nobody counts lines while all is well."""
    with io.BufferedReader(open_file(file), 1 << 20) as lines:
        return next((number for number, each in enumerate(lines, 1) if each.rstrip(b"\n") == line), 0)


def count_columns(of: Columns, counts: Counts) -> None:
    """Count some photos, given column by column."""
    years = [*map(name_year, of["date_posted"])]
    _count_simple(of, counts)
    _count_tags(of, years, counts)
    _count_pairs(of, counts)
    _count_sizes(of["sizes_"], of["media"], counts)
    _count_places(of, counts)
    _count_views(of, counts)
    _count_exif(filter(None, map(bytes, of["exif_"])), counts)
    counts.few.licenses.update(zip([-1 if each is None else each for each in of["license_id"]], years, strict=True))
    counts.uploaded.add(count_uploads(of["date_posted"]))
    taken = zip(of["date_taken_text"], of["date_taken_granularity"], of["date_taken_unknown"], strict=True)
    counts.taken.add(count_taken(taken))
    counts.harvested = span([counts.harvested, (min(of["harvested_at_"]), max(of["harvested_at_"]))])


def _count_simple(of: Columns, counts: Counts) -> None:
    simple = counts.simple
    simple.photos += len(of["id_"])
    simple.videos += of["media"].count("video")
    simple.with_info += len(of["id_"]) - of["tags_"].count(None)
    simple.with_sizes += len(of["id_"]) - of["sizes_"].count(None)
    simple.public += of["is_public"].count(True)
    simple.restricted += of["is_public"].count(False)
    simple.faves += sum(filter(None, of["count_faves"]))
    simple.comments += sum(filter(None, of["count_comments"]))
    simple.attributed += len([owner for owner in of["owner_id"] if owner])


def _count_tags(of: Columns, years: Sequence[str], counts: Counts) -> None:
    """Each tag counts once for a photo. One of signs alone has no text that Flickr compares, and counts as written."""
    pairs: list[Pair] = []
    for tags, listed, year in zip(of["tags_"], of["listed_tags_"], years, strict=True):
        texts = set((listed or "").split()) if tags is None else {tag.text or tag.raw or "" for tag in tags}
        texts.discard("")
        if texts:
            counts.simple.tagged += 1
            pairs += [(text[:LONGEST], year) for text in texts]
    counts.pairs.tags.update(pairs)


def _count_pairs(of: Columns, counts: Counts) -> None:
    pairs = counts.pairs
    names = Counter(zip(of["owner_id"], of["owner_username"], of["owner_realname"], strict=True))
    for (owner, username, realname), count in names.items():
        if owner:
            pairs.owners[owner[:LONGEST], _cut(username or realname)] += count
    for country, count in Counter(of["country"]).items():
        if country:
            pairs.countries[_cut(country), ""] += count
    pairs.formats.update((form, "") for form in of["original_format"] if form and _FORMAT.fullmatch(form))
    for errors in filter(None, of["errors_"]):
        pairs.refusals.update(
            (part[:LONGEST], tell_refusal(error.code, error.message)) for part, error in errors.items()
        )


def tell_refusal(code: object, message: object) -> str:
    """Why something is refused, without the ids that Flickr may name: many photos are refused for the same reason."""
    told = _NUMBERS.sub("…", _cut(message)) if isinstance(message, str) and message else "refused"
    return told if code is None else f"{told} (code {_cut(str(code))})"


def _cut(text: str | None) -> str:
    """The beginning of a text, in one line."""
    return " ".join((text or "")[: LONGEST * 2].split())[:LONGEST]


def _count_sizes(sizes: Sequence[list[Size] | None], media: Sequence[str | None], counts: Counts) -> None:
    pixels, shapes, labels = [], [], []
    for each, kind in zip(sizes, media, strict=True):
        largest = find_largest(each) if each else None
        if largest is None or kind == "video" or not (largest.width and largest.height):
            pixels.append(-1)
            continue
        width, height = largest.width, largest.height
        pixels.append(min(width * height // 1_000_000, 1000))
        shapes.append("square" if width == height else "landscape" if width > height else "portrait")
        labels.append(largest.label)
    counts.few.pixels.update(pixels)
    counts.few.shapes.update(shapes)
    for label, count in Counter(labels).items():
        counts.pairs.sizes[_cut(label), ""] += count


def _count_places(of: Columns, counts: Counts) -> None:
    places = zip(of["latitude"], of["longitude"], of["geo_accuracy"], strict=True)
    cells = [
        (min(int(latitude // 1), 89), min(int(longitude // 1), 179))
        for latitude, longitude, accuracy in places
        if is_somewhere(latitude, longitude, accuracy)
    ]
    counts.few.cells.update(cells)
    counts.simple.placed += len(cells)


def _count_views(of: Columns, counts: Counts) -> None:
    views = of["count_views"]
    known = [each for each in views if each is not None and each >= 0]
    counts.simple.viewed += len(known)
    counts.simple.views += sum(known)
    counts.few.views.update(len(str(each)) if each else 0 for each in known)
    least = counts.most_viewed[-1].views if len(counts.most_viewed) >= MOST_VIEWED else 0
    found = [_describe(of, n) for n, each in enumerate(views) if each is not None and each > least]
    if found:
        counts.most_viewed = choose_viewed(counts.most_viewed + found)


def _describe(of: Columns, n: int) -> Viewed:
    return Viewed(
        views=of["count_views"][n],
        id=of["id_"][n],
        title=_cut(of["title"][n]),
        owner=(of["owner_id"][n] or "")[:LONGEST],
        author=_cut(of["owner_realname"][n] or of["owner_username"][n]),
        license=-1 if of["license_id"][n] is None else of["license_id"][n],
        picture=_find_picture(of["sizes_"][n] or ()),
    )


def _find_picture(sizes: Sequence[Size]) -> str:
    """The address of a small picture, where it is one of Flickr's own hosts for pictures."""
    known = {size.label: size.source for size in sizes if size.source and _PICTURE.fullmatch(size.source)}
    return next((address for label in _PICTURES if (address := known.get(label))), "")


def _count_exif(parts: Iterable[Buffer], counts: Counts) -> None:
    for part in parts:
        if (exif := read_exif(part)) is not None:
            counts.simple.with_exif += 1
            for tally, text in ((counts.pairs.cameras, exif.camera), (counts.pairs.lenses, exif.lens)):
                if text:
                    tally[text[:LONGEST], ""] += 1
