"""The counts of all stretches, added up and cut down to what a page shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from typing import Self

from harvester.export.memberships import SETS, read_entries
from harvester.export.source import Source
from harvester.web.report.counts import Counts, Pairs
from harvester.web.report.model import Entry, License, Ranking, Tags, When
from harvester.web.report.reuse import read_terms
from harvester.web.report.survey import LONGEST
from harvester.web.report.tally import Ranking as Ranked
from harvester.web.report.tally import Tally
from harvester.web.report.times import Times

MOST = 300
"""Entries of a table that may be longer."""
MOST_CELLS = 3000
_TAGS_BY_YEAR = 20
_STEPS = (1, 2, 3, 5, 10)
"""Degrees of a cell: as many as leave few enough cells."""


class Total:
    """What was counted so far; it may hold temporary files, so it is closed in the end."""

    def __init__(self) -> None:
        self.counts = Counts()
        self._tallies = {member.name: Tally() for member in fields(Pairs)}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for tally in self._tallies.values():
            tally.__exit__()

    def add(self, counts: Counts) -> None:
        """Count more."""
        self.counts.add(counts)
        for name, tally in self._tallies.items():
            tally.add(getattr(counts.pairs, name))

    def count_simple(self) -> dict[str, int]:
        """How many photos have what."""
        return asdict(self.counts.simple)

    def rank_tags(self) -> Tags:
        """The tags, and how often the first of them were used in each year."""
        ranked = self._rank("tags")
        first = [details for _, _, details in ranked.most[:_TAGS_BY_YEAR]]
        years = sorted({year for details in first for year in details if year})
        return Tags(
            distinct=ranked.distinct,
            uses=ranked.total,
            entries=_list_entries(ranked),
            years=years,
            by_year=[[details.get(year, 0) for year in years] for details in first],
        )

    def rank(self, name: str) -> Ranking:
        """The values of a field of Pairs that most photos have."""
        ranked = self._rank(name)
        return Ranking(ranked.distinct, _list_entries(ranked))

    def rank_owners(self) -> Ranking:
        """The owners by their names, with their ids."""
        ranked = self._rank("owners")
        return Ranking(ranked.distinct, [Entry(_choose(names) or owner, n, owner) for owner, n, names in ranked.most])

    def rank_albums(self, sources: Iterable[Source]) -> Ranking:
        """The albums by what the lists of sets tell; where there are none, by what the photos do."""
        with Tally() as tally:
            for source in sources:
                if SETS in source.lists:
                    for line in read_entries(source.lists[SETS]):
                        tally.add(Counter({(str(line["id"])[:LONGEST], _find_title(line)): _count_members(line)}))
            ranked = tally.rank(MOST)
        ranked = ranked if ranked.distinct else self._rank("albums")
        return Ranking(ranked.distinct, [Entry(_choose(titles), n, album) for album, n, titles in ranked.most])

    def list_refusals(self) -> list[tuple[str, str, int]]:
        """The parts that Flickr refuses, why, and of how many photos."""
        ranked = self._rank("refusals")
        told = [(part, why, count) for part, _, reasons in ranked.most for why, count in reasons.items()]
        return sorted(told, key=lambda each: (-each[2], each[0], each[1]))[:MOST]

    def list_licenses(self) -> list[License]:
        """The licences, the one that most photos have first."""
        counts: Counter[int] = Counter()
        for (license_id, _), count in self.counts.few.licenses.items():
            counts[license_id] += count
        return [License(number, count, read_terms(number)) for number, count in sorted(counts.items(), key=_by_count)]

    def list_licenses_by_year(self) -> list[tuple[str, int, int]]:
        """The licences by year of upload."""
        few = self.counts.few.licenses
        return sorted((year, license_id, count) for (license_id, year), count in few.items() if year)

    def list_cells(self) -> tuple[int, list[tuple[int, int, int]]]:
        """The degrees of a cell, and the cells with their photos."""
        for degrees in _STEPS:
            cells = join_cells(self.counts.few.cells, degrees)
            if len(cells) <= MOST_CELLS:
                break
        return degrees, sorted((south, west, count) for (south, west), count in cells.items())

    def _rank(self, name: str) -> Ranked:
        return self._tallies[name].rank(MOST)


def join_cells(cells: Mapping[tuple[int, int], int], degrees: int) -> Counter[tuple[int, int]]:
    """Cells of one degree as larger ones, by their south and west edges."""
    joined: Counter[tuple[int, int]] = Counter()
    for (south, west), count in cells.items():
        joined[south // degrees * degrees, west // degrees * degrees] += count
    return joined


def show_times(times: Times) -> When:
    """Photos over time, as a page shows them."""
    return When(
        months=sorted(times.months.items()),
        hours=[times.hours[hour] for hour in range(7 * 24)],
        unknown=times.unknown,
    )


def _list_entries(ranked: Ranked) -> list[Entry]:
    return [Entry(name, count) for name, count, _ in ranked.most]


def _choose(names: Mapping[str, int]) -> str:
    """The name that counts most."""
    return max(names, key=lambda name: (names[name], name), default="")


def _by_count(entry: tuple[int, int]) -> tuple[int, int]:
    return -entry[1], entry[0]


def _find(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def _find_title(line: Mapping[str, object]) -> str:
    title = _find(line.get("photoset"), "title")
    text = _find(title, "_content") if isinstance(title, dict) else title
    return " ".join(text.split())[:LONGEST] if isinstance(text, str) else ""


def _count_members(line: Mapping[str, object]) -> int:
    ids = line.get("photo_ids")
    return len(ids) if isinstance(ids, list) else 0
