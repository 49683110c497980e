"""People: their pages, their contacts, and who is in a photo."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from hashlib import sha1
from typing import Any
from urllib.parse import unquote

from .catalogue import Catalogue, Person
from .info import list_shown
from .listings import Answer, Page, PhotoIndex, require_login
from .search import CALLER, Failure, Query
from .sizes import is_portrait

_TIMEZONES = (
    {"label": "GMT: Dublin, Edinburgh, Lisbon, London", "offset": "+00:00", "timezone_id": "Europe/London"},
    {"label": "Pacific Time (US & Canada); Tijuana", "offset": "-08:00", "timezone_id": "PST8PDT"},
)


class People:
    """Answers `flickr.people.getInfo` and others that tell who somebody is, and lists of people."""

    def __init__(self, catalogue: Catalogue, index: PhotoIndex) -> None:
        self._catalogue = catalogue
        self._index = index
        self.methods: Mapping[str, Callable[[Query], Answer]] = {
            "flickr.people.findByUsername": self._by_username,
            "flickr.people.getInfo": self._info,
            "flickr.urls.lookupUser": self._by_url,
            "flickr.contacts.getPublicList": self._contacts,
            "flickr.contacts.getList": self._own_contacts,
            "flickr.photos.people.getList": self._shown,
            "flickr.photos.getFavorites": self._fans,
        }

    def _user(self, fits: Callable[[Person], bool]) -> Person:
        person = next((p for p in self._catalogue.people if fits(p)), None)
        if person is None:
            raise Failure(1, "User not found")
        return person

    def _by_username(self, query: Query) -> Answer:
        person = self._user(lambda p: p.username.lower() == query.get("username", "").lower())
        user = {"id": person.nsid, "nsid": person.nsid, "username": {"_content": person.username}}
        return {"user": user, "stat": "ok"}

    def _by_url(self, query: Query) -> Answer:
        found = re.search(r"flickr\.com/(?:photos|people)/([^/?#]+)", query.get("url", ""))
        name = unquote(found[1]) if found else ""
        person = self._user(lambda p: bool(name) and name in (p.nsid, p.alias))
        return {"user": {"id": person.nsid, "username": {"_content": person.username}}, "stat": "ok"}

    def _info(self, query: Query) -> Answer:
        """Every third person has the members of 2014. A signed call learns how the caller and the person stand."""
        person = self._user(lambda p: p.nsid == query.get("user_id"))
        number = self._catalogue.people.index(person)
        head: Answer = {"id": person.nsid, "nsid": person.nsid, "ispro": 1, **person.icon, "path_alias": person.alias}
        head |= {"can_buy_pro": 0, "has_stats": "0"} if _has_old_shape(number) else _newer_members()
        if CALLER in query and query[CALLER] != person.nsid:
            relations = ("ignored", "contact", "friend", "family", "revcontact", "revfriend", "revfamily")
            head |= dict.fromkeys(relations, 0) | {"contact": 1}
        own = query.get(CALLER) == person.nsid
        if zone := _timezone(number):
            head["timezone"] = zone
        return {
            "person": {**head, **_wrap(_texts(person, number)), **self._photos(number, query, own=own)},
            "stat": "ok",
        }

    def _photos(self, number: int, query: Query, *, own: bool) -> Answer:
        """Without photos there are no first dates."""
        shown = self._index.visible(self._index.own(number), query)
        photos: Answer = {"count": {"_content": len(shown)}}
        if shown:
            taken = min(self._catalogue.taken_text(n) for n in shown)
            photos |= _wrap({"firstdatetaken": taken, "firstdate": str(self._catalogue.uploads[shown[0]])})
        return {"photos": photos | (_wrap({"views": str(len(shown) * 7)}) if own else {})}

    def _contacts(self, query: Query) -> Answer:
        """Everybody else."""
        found = self._people_but(self._index.owner(query))
        return self._list_contacts(query, found, lambda _: {})

    def _own_contacts(self, query: Query) -> Answer:
        """The caller learns more of each contact than the public does."""
        caller = require_login(query, self._catalogue)

        def tell(person: Person) -> Answer:
            about = {"realname": person.realname or "", "friend": 0, "family": 0}
            return {**about, "path_alias": person.alias or "", "location": person.location or ""}

        return self._list_contacts(query, self._people_but(self._catalogue.people.index(caller)), tell)

    def _people_but(self, number: int) -> list[Person]:
        return [person for i, person in enumerate(self._catalogue.people) if i != number]

    def _list_contacts(self, query: Query, people: list[Person], tell: Callable[[Person], Answer]) -> Answer:
        """An empty list claims one page. Pages and total are texts, or numbers."""
        page = Page(people, query, per_page=1000, most=1000)
        rows = [
            {"nsid": p.nsid, "username": p.username, **p.icon, "ignored": 0, "rev_ignored": 0, **tell(p)}
            for p in page.shown
        ]
        claims = page.claims()
        pages = max(1, claims["pages"])
        claims["pages"] = str(pages) if isinstance(claims["total"], str) else pages
        size = str(page.per_page) if query.get("per_page") else page.per_page
        return {"contacts": {**claims, "perpage": size, "per_page": size, "contact": rows}, "stat": "ok"}

    def _shown(self, query: Query) -> Answer:
        """No `person` member where nobody is in the photo."""
        n = self._index.find(query)
        added_by = self._catalogue.people[self._catalogue.owners[n]].nsid
        rows = [
            {
                "nsid": p.nsid,
                "username": p.username,
                **p.icon,
                "realname": p.realname or "",
                "path_alias": p.alias or "",
                "added_by": added_by,
                "is_deleted": 0,
            }
            for p in list_shown(self._catalogue, n)
        ]
        width, height = ("375", "500") if is_portrait(self._catalogue, n) else ("500", "375")
        head = {"total": len(rows), "photo_width": width, "photo_height": height}
        return {"people": {**head, **({"person": rows} if rows else {})}, "stat": "ok"}

    def _fans(self, query: Query) -> Answer:
        """At most 50 a page, latest first."""
        n = self._index.find(query)
        people = self._catalogue.people[: self._catalogue.draw(n, 15) % 60]
        page = Page(people, query, per_page=10, most=50)
        rows = [
            {
                "nsid": p.nsid,
                "username": p.username,
                "realname": p.realname or "",
                "favedate": str(self._catalogue.uploads[n] + 99),
                **p.icon,
                "contact": 0,
                "friend": 0,
                "family": 0,
            }
            for p in page.shown
        ]
        return {"photo": {"person": rows, **self._index.head(n), **page.claims()}, "stat": "ok"}


def _timezone(number: int) -> Answer | None:
    """Every fourth person has none; the number of the zone came later than its name."""
    if number % 4 == 0:
        return None
    zone = _TIMEZONES[number % 2]
    return zone if _has_old_shape(number) else {**zone, "timezone": str(5 + number % 2)}


def _has_old_shape(number: int) -> bool:
    """Whether the answer about a person looks as it did in 2014."""
    return number % 3 == 2


def _newer_members() -> Answer:
    """Members of 2022 and later."""
    perks = dict.fromkeys(("has_adfree", "has_free_standard_shipping", "has_free_educational_resources"), 0)
    return {"is_deleted": 0, "has_stats": 0, "pro_badge": "standard", "expire": 0, **perks}


def _texts(person: Person, number: int) -> dict[str, str | None]:
    """What stands in members of their own; None for those that are left out."""
    name, old = person.alias or person.nsid, _has_old_shape(number)
    photos = f"https://www.flickr.com/photos/{name}/"
    return {
        "username": person.username,
        "realname": person.realname,
        "mbox_sha1sum": sha1(person.nsid.encode(), usedforsecurity=False).hexdigest() if number % 4 == 1 else None,
        "location": person.location,
        "description": ""
        if number % 2
        else 'I take <b>photos</b>.\n\nSee <a href="https://www.example.org">my page</a>.',
        "photosurl": photos,
        "profileurl": f"https://www.flickr.com/people/{name}/",
        "mobileurl": f"https://m.flickr.com/photostream.gne?id={person.database_id}" if old else photos,
    }


def _wrap(texts: Mapping[str, str | None]) -> dict[str, Any]:
    return {name: {"_content": text} for name, text in texts.items() if text is not None}
