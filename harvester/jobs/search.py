"""A search as a frozen value: its filters, checked and as Flickr takes them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

from harvester.errors import UsageError, show
from harvester.jobs.arguments import name_option, tell_unknown
from harvester.jobs.box import tell_crossing
from harvester.jobs.dates import Moment, is_relative, read_upload, settle
from harvester.jobs.filters import DATES, FILTERS, Media, Sort, TagMode
from harvester.jobs.plain import list_given
from harvester.jobs.values import read_texts, stamp

_RESERVED = frozenset({"method", "api_key", "format", "nojsoncallback", "per_page", "page"})
EXTRAS_PARAM = "extras"
"""The one of `params` that adds: to the extras that every listing is asked for."""


# Eighteen attributes: the filters that Flickr has, by name for type checkers and editors; jobs/filters declares them.
@dataclass(frozen=True, kw_only=True)
class Search:
    """A search of flickr.photos.search, by the names of the command line.

    Lists may be given as one text with commas. Dates are Moments: a largest date without a time goes to the end of its
    day, month or year, and words such as `yesterday` or `7 days ago` count from when the job begins. `license` takes
    ids and names (`cc-by`); `content_types` any of photos, screenshots, other; `bbox` is west, south, east, north in
    degrees; `safe_search` is safe, moderate or restricted (or 1 to 3); `user` is an NSID, a user name, a path alias,
    a flickr.com address or `me`; `group` an id or an address; `params` holds any other argument of the method, and
    `extras` among them adds to those that every listing is asked for.

    UsageError, with the field's name, where a value cannot be meant.
    """

    tags: Sequence[str] | str = ()
    tag_mode: TagMode = "any"
    text: str | None = None
    user: str | None = None
    group: str | None = None
    min_upload_date: Moment | None = None
    max_upload_date: Moment | None = None
    min_taken_date: Moment | None = None
    max_taken_date: Moment | None = None
    license: Sequence[str | int] | str | int = ()
    media: Media = "all"
    content_types: Sequence[str | int] | str | int = ()
    bbox: Sequence[float] | str | None = None
    has_geo: bool | None = None
    machine_tags: Sequence[str] | str = ()
    safe_search: str | int | None = None
    sort: Sort = "date-posted-desc"
    params: Mapping[str, str] = field(default_factory=dict)

    name: ClassVar[str] = "search"

    def __post_init__(self) -> None:
        self._check_params()
        self._check_texts()
        self._check_dates()
        if not self.arguments.keys() - {EXTRAS_PARAM} and self.min_upload_date is None and self.max_upload_date is None:
            raise UsageError("A search needs at least one filter, such as tags or user.")

    def _check_params(self) -> None:
        for name in self.params:
            if name in _RESERVED:
                raise UsageError(f"{show(name)} is the harvester's own; leave it out.", field="params")
            if (option := name_option(name)) is not None:
                raise UsageError(
                    f"{show(name)} has an option of its own: use {option}, in a config file and from Python "
                    f"{option[2:].replace('-', '_')}.",
                    field="params",
                )

    def _check_texts(self) -> None:
        for name, value in self.arguments.items():
            try:
                value.encode()
            except UnicodeEncodeError:
                raise UsageError("this is not valid UTF-8.", field=name) from None

    def _check_dates(self) -> None:
        for what in ("upload", "taken"):
            fields = f"min_{what}_date", f"max_{what}_date"
            oldest, newest = (self._written[name] for name in fields)
            is_settled = not any(is_relative(getattr(self, name)) for name in fields)
            if is_settled and oldest is not None and newest is not None and oldest > newest:
                raise UsageError(f"the first date is later than {fields[1]}: nothing can match.", field=fields[0])

    def settle_dates(self, now: float) -> Search:
        """The same search with dates that no longer depend on the clock, which says `now`."""
        if not any(is_relative(getattr(self, name)) for name in DATES):
            return self
        dates: dict[str, Any] = {name: settle(getattr(self, name), now=now, field=name) for name in DATES}
        return replace(self, **dates)

    @property
    def upload_span(self) -> tuple[int | None, int | None]:
        """First and last second of upload that match, both inclusive, in Unix seconds; None is open.

        ValueError where dates are relative and were not settled.
        """
        if is_relative(self.min_upload_date) or is_relative(self.max_upload_date):
            raise ValueError("relative dates are to be settled first")
        low, high = self.min_upload_date, self.max_upload_date
        return read_upload(low, field="min_upload_date"), read_upload(high, field="max_upload_date")

    @cached_property
    def _written(self) -> Mapping[str, Any]:
        """What Flickr takes, by the names of the fields; None or "" where a filter asks for nothing."""
        return {name: each.write(getattr(self, name), name) for name, each in FILTERS.items()}

    @cached_property
    def arguments(self) -> Mapping[str, str]:
        """Arguments of flickr.photos.search, but for dates of upload, order and paging, which sweeps set.

        `user` and `group` stand here as they were given; they are looked up when the run begins. Relative dates
        stand as words, until they are settled.
        """
        found = {each.argument: self._written[name] for name, each in FILTERS.items() if not each.is_swept}
        if not found["tags"]:
            del found["tag_mode"]
        given = {name: str(value) for name, value in found.items() if value not in (None, "")}
        return {**given, **self._read_params()}

    def _read_params(self) -> dict[str, str]:
        known = {name: str(value) for name, value in self.params.items()}
        if EXTRAS_PARAM in known:
            known[EXTRAS_PARAM] = ",".join(read_texts(self.params[EXTRAS_PARAM], field="params"))
        return {name: value for name, value in known.items() if value or name != EXTRAS_PARAM}

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences on arguments that Flickr does not know, and on a box that may not be meant."""
        return *tell_unknown(self.params), *tell_crossing(self.arguments.get("bbox"))

    def describe(self) -> dict[str, Any]:
        """The fields that differ from their defaults, as Flickr has them: what two runs of an archive must share."""
        known: dict[str, Any] = {"source": self.name, **self.arguments}
        swept = {name: self._written[name] for name in ("sort", "min_upload_date", "max_upload_date")}
        told = {name: stamp(value) if isinstance(value, int) else value for name, value in swept.items()}
        return {**known, **{name: value for name, value in told.items() if value is not None}}

    def asked(self) -> dict[str, Any]:
        """The fields that differ from their defaults, as plain JSON: `Search(**asked)` is this search again."""
        return list_given(self)
