"""Where the listing of a source begins: its lists, its sweeps, their arguments. Names are resolved to ids. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from harvester.flickr.listings import UPDATED
from harvester.flickr.methods import PERSON_PHOTOS, RESTRICTED, SEARCH
from harvester.jobs.model import Account, Album, Favorites, Gallery, Group, Photos, Search, Source
from harvester.listing.parts import split_sweep
from harvester.listing.sweep import Sweep, first_sweep
from harvester.listing.walk import Walk

ALL_CONTENT = "7"
"""Photos, screenshots and other images."""


_OVERLAP = 86_400
"""Clocks differ, and Flickr is seen to list a change late: the last day before is asked for again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roots:
    """What a run begins with. `arguments` and `method` are those of the sweeps."""

    arguments: Mapping[str, str]
    method: str = SEARCH
    sweeps: tuple[Sweep, ...] = ()
    walks: tuple[Walk, ...] = ()

    def since(self, second: int) -> Roots:
        """The roots of an update of the login's own account: the list of changes replaces the sweeps."""
        changed = Walk(listing=UPDATED, subject=str(max(second - _OVERLAP, 1)), hydrates=True)
        return replace(self, walks=(*self.walks, changed))


def find_roots(
    source: Source, found: Mapping[str, str], *, horizon: int, login: str | None = None, to_files: bool = True
) -> Roots:
    """The seeds of a source.

    `found` holds the search's arguments, or `user_id` and `group_id`, looked up; `horizon` is the last second of
    upload that counts; `login` is the NSID of whoever signs the calls. Without `to_files` there are only photos.
    """
    match source:
        case Search():
            since, until = source.upload_span
            until = horizon if until is None else until
            sweep = first_sweep(since=since or 0, until=until, sort=source.sort)
            return Roots(arguments=found, sweeps=split_sweep(sweep, found))
        case Photos():
            return Roots(arguments={})
        case Album():
            walks = [_enter("photoset", "members", source.album, to_files=to_files)]
        case Gallery():
            walks = [_enter("gallery", "exhibits", source.gallery, to_files=to_files)]
        case Group():
            subject = found["group_id"]
            walks = [Walk(listing="group", subject=subject, top=True)] if to_files else []
            walks.append(Walk(listing="pool", subject=subject, hydrates=True, top=True))
        case Favorites():
            listing = "favorites" if login is None else "own_favorites"
            walks = [Walk(listing=listing, subject=found["user_id"], hydrates=True, top=True, writes=False)]
        case Account():
            return _find_account_roots(source, found["user_id"], horizon=horizon, login=login)
    return Roots(arguments={}, walks=tuple(walks))


def _enter(head: str, inside: str, subject: str, *, to_files: bool) -> Walk:
    """A set or gallery by its id: what it says of itself is needed for its line alone."""
    return Walk(listing=head if to_files else inside, subject=subject, hydrates=True, top=True, writes=to_files)


def _find_account_roots(source: Account, user: str, *, horizon: int, login: str | None) -> Roots:
    since, until = source.upload_span
    end = horizon if until is None else min(until, horizon)
    stream = first_sweep(since=since or 0, until=end, sort="date-posted-desc")
    return Roots(
        arguments={"user_id": user, "content_type": ALL_CONTENT, "safe_search": RESTRICTED},
        method=PERSON_PHOTOS,
        sweeps=(stream,) if "photos" in source.kinds else (),
        walks=tuple(_find_list_roots(source, user, login=login)),
    )


def _find_list_roots(source: Account, user: str, *, login: str | None) -> Iterator[Walk]:
    kinds, is_own = source.kinds, user == login
    if not source.is_part:
        yield Walk(listing="person", subject=user, writes="person" in kinds, top=True)
    if "photosets" in kinds:
        yield Walk(listing="photosets", subject=user, owner=user if "photos" in kinds else "")
    if "collections" in kinds:
        yield Walk(listing="collections", subject=user)
    if "galleries" in kinds:
        yield Walk(listing="galleries", subject=user, hydrates="galleries" in source.hydrated)
    if "groups" in kinds:
        yield Walk(listing="own_groups" if is_own else "groups", subject=user)
    if "favorites" in kinds:
        listing = "favorites" if login is None else "own_favorites"
        yield Walk(listing=listing, subject=user, hydrates="favorites" in source.hydrated)
    if "contacts" in kinds:
        yield Walk(listing="own_contacts" if is_own else "contacts", subject=user)
