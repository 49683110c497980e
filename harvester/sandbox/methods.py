"""The methods of the API that the sandbox knows: a query in, the bytes of an answer out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import orjson

from .accounts import Accounts
from .albums import Albums
from .catalogue import Catalogue
from .dates import LAST
from .faults import Faults
from .listings import Page, Shelf, is_visible
from .search import CALLER, Failure, Query, Searcher, build_listing
from .shapes import build_info, build_row, build_sizes, count_comments, encode, page_url
from .words import COMMENTS

_KEY = re.compile(r"[0-9a-f]{32}")
NOT_FOUND = "Photo not found"
LICENSE_NAMES = ("All Rights Reserved", "CC BY-NC-SA 2.0", "CC BY-NC 2.0", "CC BY-NC-ND 2.0", "CC BY 2.0")


class Api:
    """Answers calls out of a catalogue."""

    def __init__(self, catalogue: Catalogue, *, seed: int) -> None:
        self.catalogue = catalogue
        self.searcher = Searcher(catalogue)
        self.faults = Faults()
        self.refused_keys: set[str] = set()
        self._rng = Random(f"lies {seed}")
        shelf = Shelf(catalogue)
        self._methods: Mapping[str, Callable[[Query], dict[str, Any]]] = {
            "flickr.photos.search": self._search,
            "flickr.photos.getInfo": self._info,
            "flickr.photos.getSizes": self._sizes,
            "flickr.photos.getExif": self._exif,
            "flickr.photos.comments.getList": self._comments,
            "flickr.photos.getAllContexts": self._contexts,
            "flickr.photos.getFavorites": self._favorites,
            "flickr.photos.licenses.getInfo": self._licenses,
            "flickr.people.findByUsername": self._by_username,
            "flickr.people.getInfo": self._person,
            "flickr.urls.lookupUser": self._by_url,
            "flickr.urls.lookupGroup": self._group_by_url,
            "flickr.test.echo": self._echo,
            **Albums(catalogue, shelf).methods,
            **Accounts(catalogue, shelf, self.searcher).methods,
        }

    def answer(self, query: Query) -> bytes:
        """The body that Flickr would send; failures come with status 200 too."""
        try:
            self._check_key(query)
            if query.get("user_id") == "me" and CALLER in query:
                query = {**query, "user_id": query[CALLER]}
            body = encode(self._methods.get(query.get("method", ""), self._unknown)(query))
        except Failure as failure:
            body = encode({"stat": "fail", "code": failure.code, "message": failure.message})
        if query.get("format") != "json":
            return b'<?xml version="1.0" encoding="utf-8" ?>\n<rsp stat="ok">\n</rsp>\n'
        return body if query.get("nojsoncallback") == "1" else b"jsonFlickrApi(" + body + b")"

    def control(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """Change things while serving: `faults`, `refuse_key`, `delete`, `change` (ids), `add` (a count)."""
        if "faults" in order:
            self.faults = Faults(**order["faults"])
        if key := order.get("refuse_key"):
            self.refused_keys.add(key)
        for photo_id in order.get("delete", ()):
            self.catalogue.remove(self._known(photo_id))
        for photo_id in order.get("change", ()):
            self.catalogue.change(self._known(photo_id))
        added = [self.catalogue.add(uploaded=int(self.catalogue.clock())) for _ in range(order.get("add", 0))]
        return {"added": [str(self.catalogue.id_of(n)) for n in added]}

    def truth(self, query: Query) -> bytes:
        """The ids that a search must find, without cap and lies."""
        return orjson.dumps([str(self.catalogue.id_of(n)) for n in self.searcher.find(query)])

    def _known(self, photo_id: str) -> int:
        n = self.catalogue.number_of(photo_id)
        if n is None:
            raise Failure(1, NOT_FOUND)
        return n

    def _check_key(self, query: Query) -> None:
        key = query.get("api_key", "")
        if not _KEY.fullmatch(key):
            raise Failure(100, "Invalid API Key (Key has invalid format)")
        if key in self.refused_keys:
            raise Failure(100, "Invalid API Key (Key has expired)")

    def _number(self, query: Query) -> int:
        n = self.catalogue.number_of(query.get("photo_id", ""))
        if n is None or not is_visible(self.catalogue, n, query):
            raise Failure(1, NOT_FOUND)
        return n

    def _search(self, query: Query) -> dict[str, Any]:
        if self.faults.drift and self._rng.random() < self.faults.drift:
            self.catalogue.remove(self._rng.randrange(len(self.catalogue)))
            self.catalogue.add(uploaded=LAST + 1)
        listing = self.searcher.show(query, faults=self.faults, rng=self._rng)
        extras = tuple(extra.strip() for extra in query.get("extras", "").split(","))
        return build_listing(listing, [build_row(self.catalogue, n, extras) for n in listing.numbers])

    def _info(self, query: Query) -> dict[str, Any]:
        n = self.catalogue.number_of(query.get("photo_id", ""))
        if n is None or not is_visible(self.catalogue, n, query):
            # Since mid 2025 deleted and private photos are told apart by nothing (flickr-photos-api recordings).
            raise Failure(1, f'Photo "{query.get("photo_id", "")}" not found (invalid ID)')
        return build_info(self.catalogue, n)

    def _sizes(self, query: Query) -> dict[str, Any]:
        n = self._number(query)
        if self.catalogue.is_refused(n):
            raise Failure(2, "Permission denied")
        return build_sizes(self.catalogue, n)

    def _head(self, n: int) -> dict[str, Any]:
        return {"id": str(self.catalogue.id_of(n)), "secret": self.catalogue.secret(n), "server": "65535", "farm": 66}

    def _exif(self, query: Query) -> dict[str, Any]:
        n = self._number(query)
        if self.catalogue.dice(n, 20) % 10 == 0:
            raise Failure(2, "Permission denied")  # the owner hides it
        rows = (("IFD0", "Make", "Make", "Canon"), ("ExifIFD", "FNumber", "Aperture", "8.0"))
        exif: list[dict[str, Any]] = [
            {"tagspace": space, "tagspaceid": 0, "tag": tag, "label": label, "raw": {"_content": raw}}
            for space, tag, label, raw in rows
        ]
        exif[1]["clean"] = {"_content": "f/8.0"}
        return {"photo": {**self._head(n), "camera": "Canon EOS 5D", "exif": exif}, "stat": "ok"}

    def _comments(self, query: Query) -> dict[str, Any]:
        """No `comment` member where there is none."""
        n = self._number(query)
        photo_id, people = str(self.catalogue.id_of(n)), self.catalogue.people
        comments = []
        for i in range(count_comments(self.catalogue, n)):
            dice = self.catalogue.dice(n, 30 + i)
            person = people[dice % len(people)]
            comments.append(
                {
                    "id": f"{n}-{photo_id}-{i}",
                    "author": person.nsid,
                    "author_is_deleted": 0,
                    "authorname": person.username,
                    "iconserver": "7",
                    "iconfarm": 1,
                    "datecreate": str(self.catalogue.uploads[n] + 3600 * (i + 1)),
                    "permalink": f"{page_url(self.catalogue, n)}#comment{i}",
                    "path_alias": person.alias,
                    "realname": person.realname or "",
                    "_content": COMMENTS[dice % len(COMMENTS)],
                }
            )
        found: dict[str, Any] = {"photo_id": photo_id} | ({"comment": comments} if comments else {})
        return {"comments": found, "stat": "ok"}

    def _contexts(self, query: Query) -> dict[str, Any]:
        """Only `stat` where the photo is in no group."""
        n = self._number(query)
        pool = {"title": "Monkeys & friends", "url": "/groups/monkeys/pool/", "id": self.catalogue.group_id}
        pools = [{**pool, "iconserver": "0", "iconfarm": 0, "members": "1,204", "pool_count": "33,021"}]
        return ({"pool": pools} if n % 3 == 0 else {}) | {"stat": "ok"}

    def _favorites(self, query: Query) -> dict[str, Any]:
        n = self._number(query)
        people = self.catalogue.people[: self.catalogue.dice(n, 15) % 60]
        page = Page(people, query, per_page=10, most=50)
        rows = [
            {"nsid": p.nsid, "username": p.username, "favedate": str(self.catalogue.uploads[n] + 99)}
            for p in page.shown
        ]
        return {"photo": {"person": rows, **self._head(n), **page.claims()}, "stat": "ok"}

    def _licenses(self, _query: Query) -> dict[str, Any]:
        rows = [{"id": i, "name": name, "url": ""} for i, name in enumerate(LICENSE_NAMES)]
        return {"licenses": {"license": rows}, "stat": "ok"}

    def _user(self, fits: Callable[[Any], bool]) -> Any:
        person = next((p for p in self.catalogue.people if fits(p)), None)
        if person is None:
            raise Failure(1, "User not found")
        return person

    def _by_username(self, query: Query) -> dict[str, Any]:
        person = self._user(lambda p: p.username.lower() == query.get("username", "").lower())
        return {
            "user": {"id": person.nsid, "nsid": person.nsid, "username": {"_content": person.username}},
            "stat": "ok",
        }

    def _by_url(self, query: Query) -> dict[str, Any]:
        found = re.search(r"flickr\.com/(?:photos|people)/([^/?#]+)", query.get("url", ""))
        name = found[1] if found else ""
        person = self._user(lambda p: bool(name) and name in (p.nsid, p.alias))
        return {"user": {"id": person.nsid, "username": {"_content": person.username}}, "stat": "ok"}

    def _group_by_url(self, query: Query) -> dict[str, Any]:
        if not re.search(r"flickr\.com/groups/(monkeys|663100@N21)(/|$)", query.get("url", "")):
            raise Failure(1, "Group not found")
        group = {"id": self.catalogue.group_id, "groupname": {"_content": "Monkeys & friends"}}
        return {"group": group, "stat": "ok"}

    def _person(self, query: Query) -> dict[str, Any]:
        person = self._user(lambda p: p.nsid == query.get("user_id"))
        count = sum(
            1
            for n, owner in enumerate(self.catalogue.owners)
            if self.catalogue.people[owner] is person
            and n not in self.catalogue.removed
            and is_visible(self.catalogue, n, query)
        )
        texts = {"username": person.username, "realname": person.realname, "location": person.location}
        shown = {name: {"_content": text} for name, text in texts.items() if text is not None}
        head = {"id": person.nsid, "nsid": person.nsid, "ispro": 1, "path_alias": person.alias, "has_stats": 0}
        return {"person": {**head, **shown, "photos": {"count": {"_content": count}}}, "stat": "ok"}

    def _unknown(self, query: Query) -> dict[str, Any]:
        raise Failure(112, f'Method "{query.get("method", "")}" not found')

    def _echo(self, query: Query) -> dict[str, Any]:
        hidden = ("api_key", CALLER)
        return {name: {"_content": value} for name, value in query.items() if name not in hidden} | {"stat": "ok"}
