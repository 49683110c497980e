"""flickr.photos.search: which photos match, and the page that is shown, with the faults of Flickr's pages."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from . import geo
from .catalogue import Catalogue
from .dates import parse_moment
from .faults import Faults
from .texts import Text, normalise_tag, normalise_text

CAP = 4000
_CONTENT_PHOTO = frozenset({"1", "4", "6", "7"})
_WINDOWS = ("min_upload_date", "max_upload_date", "min_taken_date", "max_taken_date")
_FILTERS = ("tags", "tag_mode", "text", "user_id", "group_id", "license", "media", "content_type", *geo.ARGUMENTS)
_MORE = ("machine_tags", "machine_tag_mode", "safe_search", "privacy_filter")
_KEPT = 64
_TERM = re.compile(r'(-?)(?:"([^"]*)"|(\S+))')

Query = Mapping[str, str]
CALLER = "__caller"
"""The member of a query that tells the NSID of who signed the call; no client can send it."""
PERMS = "__perms"
"""The member that tells what the caller may do: read, write or delete."""


class Failure(Exception):
    """`{"stat": "fail"}` with Flickr's code and message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a search: numbers of photos, and what the answer claims of the whole."""

    numbers: Sequence[int]
    page: int
    per_page: int
    total: int | str | None
    pages: int


class Searcher:
    """Answers searches. It keeps which photos match the filters of late, so that paging costs little."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._matches: dict[tuple[str, ...], tuple[int, list[int], list[int]]] = {}

    def find(self, query: Query) -> list[int]:
        """All photos that match, oldest upload first: the truth, without cap and lies."""
        _check(query, self._catalogue)
        numbers, uploads = self._match(query)
        low = _moment(query, "min_upload_date", 0)
        high = _moment(query, "max_upload_date", 1 << 40)
        found = numbers[bisect_left(uploads, low) : bisect_right(uploads, high)]
        if query.get("min_taken_date") or query.get("max_taken_date"):
            early, late = _moment(query, "min_taken_date", -(1 << 40)), _moment(query, "max_taken_date", 1 << 40)
            found = [n for n in found if early <= self._catalogue.taken(n) <= late]
        return found

    def show(self, query: Query, *, faults: Faults, rng: Random) -> Listing:
        """One page, as Flickr would show it."""
        query = geo.limit_to_recent(query, now=self._catalogue.clock())
        found = self.find(_widened(query) if faults.widened_windows else query)
        total = len(found)
        per_page = max(1, min(_count(query, "per_page", 100), geo.PAGE_SIZE if geo.is_geographic(query) else 500))
        page = max(1, _count(query, "page", 1))
        ordered = self._order(found, query.get("sort") or "date-posted-desc")[:CAP]
        shown = page
        if (page - 1) * per_page >= CAP:
            if faults.cap_error:
                raise Failure(20, "Excessive photo offset in search")
            shown = (page - 1) % max(1, CAP // per_page) + 1  # past the cap, earlier pages come again
        start = (shown - 1) * per_page
        ordered = faults.shuffle(ordered, edge=start + per_page, rng=rng)
        numbers = faults.thin(ordered[start : start + per_page], rng=rng)
        return Listing(numbers, page, per_page, faults.misstate(total, rng=rng), -(-total // per_page))

    def _match(self, query: Query) -> tuple[list[int], list[int]]:
        key = tuple(query.get(name, "") for name in (CALLER, *_FILTERS, *_MORE))
        kept = self._matches.get(key)
        if kept and kept[0] == self._catalogue.version:
            return kept[1], kept[2]
        fits = build_filter(query, self._catalogue)
        numbers = [n for n in range(len(self._catalogue)) if n not in self._catalogue.removed and fits(n)]
        uploads = [self._catalogue.uploads[n] for n in numbers]
        if len(self._matches) >= _KEPT:
            self._matches.pop(next(iter(self._matches)))
        self._matches[key] = self._catalogue.version, numbers, uploads
        return numbers, uploads

    def _order(self, found: list[int], sort: str) -> list[int]:
        catalogue = self._catalogue
        if sort == "date-posted-asc":
            return found[:CAP]
        if sort.startswith("date-taken"):
            return sorted(found, key=catalogue.taken, reverse=sort.endswith("desc"))
        if sort.startswith("interestingness") or sort == "relevance":
            return sorted(found, key=lambda n: catalogue.draw(n, 16), reverse=sort.endswith("asc"))
        return found[: -CAP - 1 : -1]


def build_filter(query: Query, catalogue: Catalogue) -> Callable[[int], bool]:
    """Whether a photo, by its number, matches everything but the dates."""
    tests: list[Callable[[int], bool]] = []
    if catalogue.options.private or catalogue.privacy:
        caller = _find_person(query.get(CALLER), catalogue)
        tests.append(lambda n: catalogue.owners[n] == caller or not catalogue.is_private(n))
    if tags_fit := _tag_filter(query):
        by_tags = [tags_fit(text) for text in catalogue.texts]
        tests.append(lambda n: by_tags[catalogue.draw(n) & 2047])
    if words_fit := _word_filter(query.get("text", ""), catalogue):
        tests.append(words_fit)
    if user := query.get("user_id"):
        owner = _find_person(user, catalogue)
        tests.append(lambda n: catalogue.owners[n] == owner)
    if query.get("group_id"):
        tests.append(lambda n: n % 3 == 0)
    tests += _build_kind_tests(query, catalogue)
    try:
        tests += geo.build_place_tests(query, catalogue)
    except geo.Illogical:
        raise Failure(18, "Illogical arguments") from None
    return lambda n: all(test(n) for test in tests)


def _find_person(nsid: str | None, catalogue: Catalogue) -> int:
    return next((i for i, person in enumerate(catalogue.people) if person.nsid == nsid), -1)


def _build_kind_tests(query: Query, catalogue: Catalogue) -> list[Callable[[int], bool]]:
    """Whether a photo is of the licences, media and content types that are asked for."""
    tests: list[Callable[[int], bool]] = []
    if licenses := query.get("license"):
        allowed = {int(i) for i in licenses.split(",") if i.strip().isdecimal()}
        tests.append(lambda n: catalogue.license(n) in allowed)
    if (media := query.get("media", "all")) in ("photos", "videos"):
        tests.append(lambda n: catalogue.is_video(n) == (media == "videos"))
    if (kinds := query.get("content_type")) and kinds not in _CONTENT_PHOTO:
        tests.append(lambda _n: False)
    return tests


def _word_filter(text: str, catalogue: Catalogue) -> Callable[[int], bool] | None:
    """Each term must be there as a whole word, `"…"` as words side by side, and `-term` must not."""
    terms = [(minus != "-", normalise_text(quoted or word)) for minus, quoted, word in _TERM.findall(text)]
    terms = [(wanted, words) for wanted, words in terms if words.strip()]
    if not terms:
        return None

    def fits(normalised: str) -> bool:
        return all((words in normalised) == wanted for wanted, words in terms)

    by_words = [fits(text.normalised) for text in catalogue.texts]
    has_digits = any(char.isdigit() for _, words in terms for char in words)

    def test(n: int) -> bool:
        text = catalogue.text(n)
        if n in catalogue.changes or (has_digits and text.numbered):
            return fits(text.normalised_with(catalogue.title(n)))
        return by_words[catalogue.draw(n) & 2047]

    return test


def _tag_filter(query: Query) -> Callable[[Text], bool] | None:
    """What is decided once for each text of the stock."""
    tests: list[Callable[[Text], bool]] = []
    given = [tag.strip() for tag in query.get("tags", "").split(",") if tag.strip()]
    tags = [normalise_tag(tag) for tag in given if tag[0] != "-"]
    without = {normalise_tag(tag[1:]) for tag in given if tag[0] == "-"}
    if tags:
        how = _read_mode(query, "tag_mode")
        tests.append(lambda text: how(tag in text.names for tag in tags))
    if without:
        tests.append(lambda text: without.isdisjoint(text.names))
    tests += _build_machine_tag_tests(query)
    return (lambda text: all(test(text) for test in tests)) if tests else None


def _build_machine_tag_tests(query: Query) -> list[Callable[[Text], bool]]:
    wanted = [tag.strip().lower() for tag in query.get("machine_tags", "").split(",") if tag.strip()]
    how = _read_mode(query, "machine_tag_mode")
    return [lambda text: how(_has_machine_tag(text, tag) for tag in wanted)] if wanted else []


def _read_mode(query: Query, name: str) -> Callable[[Iterable[bool]], bool]:
    return all if query.get(name) == "all" else any


def _has_machine_tag(text: Text, wanted: str) -> bool:
    """`ns:`, `ns:predicate=` and `ns:predicate=value`."""
    whole = "=" in wanted and not wanted.endswith("=")
    return any(name == wanted if whole else name.startswith(wanted) for name in text.machine_names)


def _check(query: Query, catalogue: Catalogue) -> None:
    """The failures of the method, by the codes of its documentation."""
    if not any(query.get(name) for name in (*_FILTERS, *_MORE, *_WINDOWS) if name != "tag_mode"):
        raise Failure(3, "Parameterless searches have been disabled. Please use flickr.photos.getRecent instead.")
    if query.get("tag_mode") == "all" and query.get("tags", "").count(",") >= 20:
        raise Failure(1, "Too many tags in ALL query")
    if (user := query.get("user_id")) and user not in {person.nsid for person in catalogue.people}:
        raise Failure(2, "Unknown user")
    if (group := query.get("group_id")) and group != catalogue.group_id:
        raise Failure(4, "You don't have permission to view this pool")


def _moment(query: Query, name: str, default: int) -> int:
    found = parse_moment(query.get(name, ""))
    return default if found is None else found


def _count(query: Query, name: str, default: int) -> int:
    text = query.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default


def _widened(query: Query) -> Query:
    """Windows of five minutes and less are fuzzed: widened to both sides (openverse-catalog#1041)."""
    low, high = _moment(query, "min_upload_date", -1), _moment(query, "max_upload_date", -1)
    if low < 0 or high < 0 or high - low > 300:
        return query
    return {**query, "min_upload_date": str(low - 180), "max_upload_date": str(high + 180)}


def build_listing(listing: Listing, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The answer's outer shape."""
    claims = {"page": listing.page, "pages": listing.pages, "perpage": listing.per_page, "total": listing.total}
    return {"photos": {**claims, "photo": rows}, "stat": "ok"}
