"""A report without names: of people, albums, photos and places on this machine. Pure.

Tags, countries, cameras and what is counted stay as they are; what was asked stays by its members' names alone where
it may name somebody.
"""

from __future__ import annotations

from msgspec.structs import replace

from harvester.web.report.model import Archive, Entry, Ranking, Report

_PLAIN = frozenset(
    "source detail extras only skip min_upload_date max_upload_date min_taken_date max_taken_date license media "
    "content_types has_geo safe_search sort tags tag_mode limit".split()
)
"""What is asked that names nobody."""
LEFT_OUT = "(left out)"


def leave_out_names(report: Report) -> Report:
    """The report with numbers in place of names, and without what leads to somebody."""
    return replace(
        report,
        is_anonymous=True,
        has_pictures=False,
        archives=[_strip(archive, n) for n, archive in enumerate(report.archives, 1)],
        owners=_number(report.owners, "Owner"),
        albums=_number(report.albums, "Album"),
        refusals=[(part, _find_code(why), count) for part, why, count in report.refusals],
        viewed=[],
        attribution="",
    )


def _find_code(why: str) -> str:
    """`code 2` of a reason; its words may name somebody."""
    return why[why.rfind("(code ") :].strip("()") if "(code " in why else ""


def _number(ranking: Ranking, noun: str) -> Ranking:
    entries = [Entry(f"{noun} {n}", entry.count) for n, entry in enumerate(ranking.entries, 1)]
    return replace(ranking, entries=entries)


def _strip(archive: Archive, n: int) -> Archive:
    """Sentences may name the folder, and Flickr's reasons a person."""
    return replace(
        archive,
        name=f"Archive {n}",
        note="",
        asked=[(name, value if name.replace(" ", "_") in _PLAIN else LEFT_OUT) for name, value in archive.asked],
        kept_back=[replace(each, note="") for each in archive.kept_back],
        failures=[(what, "", count) for what, _, count in archive.failures],
    )
