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
from .galleries import Galleries
from .groups import Groups
from .info import build_info, count_comments
from .listings import NOT_FOUND, PhotoIndex, is_visible
from .people import People
from .search import CALLER, PERMS, Failure, Query, Searcher, build_listing
from .shapes import build_row, encode
from .sizes import build_sizes, page_url
from .words import COMMENTS

_KEY = re.compile(r"[0-9a-f]{32}")
_OLDER_KINDS = ("BY-NC-SA", "BY-NC", "BY-NC-ND", "BY", "BY-SA", "BY-ND")
_NEWER_KINDS = ("BY", "BY-SA", "BY-ND", "BY-NC", "BY-NC-SA", "BY-NC-ND")
_COMMONS = "https://creativecommons.org"
LICENSES = (
    ("All Rights Reserved", ""),
    *((f"CC {kind} 2.0", f"{_COMMONS}/licenses/{kind.lower()}/2.0/") for kind in _OLDER_KINDS),
    ("No known copyright restrictions", "https://www.flickr.com/commons/usage/"),
    ("United States Government Work", "https://www.usa.gov/government-copyright"),
    ("Public Domain Dedication (CC0)", f"{_COMMONS}/publicdomain/zero/1.0/"),
    ("Public Domain Mark", f"{_COMMONS}/publicdomain/mark/1.0/"),
    *((f"CC {kind} 4.0", f"{_COMMONS}/licenses/{kind.lower()}/4.0/") for kind in _NEWER_KINDS),
)
"""Name and address of each licence, by its id, as recorded 2025-06-19."""


# Many attributes: one for each group of methods.
class Api:
    """Answers calls out of a catalogue."""

    def __init__(self, catalogue: Catalogue, *, seed: int) -> None:
        self.catalogue = catalogue
        self.searcher = Searcher(catalogue)
        self.faults = Faults()
        self.refused_keys: set[str] = set()
        self._rng = Random(f"lies {seed}")
        self._index = index = PhotoIndex(catalogue)
        self.albums = Albums(catalogue, index)
        self._groups = Groups(catalogue, index, self.searcher)
        self._methods: Mapping[str, Callable[[Query], dict[str, Any]]] = {
            "flickr.photos.search": self._search,
            "flickr.photos.getInfo": self._info,
            "flickr.photos.getSizes": self._sizes,
            "flickr.photos.getExif": self._exif,
            "flickr.photos.comments.getList": self._comments,
            "flickr.photos.getAllContexts": self._contexts,
            "flickr.photos.licenses.getInfo": self._licenses,
            "flickr.test.echo": self._echo,
            **self.albums.methods,
            **self._groups.methods,
            **Galleries(catalogue, index).methods,
            **People(catalogue, index).methods,
            **Accounts(catalogue, index, self.searcher).methods,
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
        """Change things while serving.

        `faults`, `refuse_key`, `add` (a count); and by ids `delete`, `change`, `hide`, `show`, `move` (to other sets).
        """
        if "faults" in order:
            self.faults = Faults(**order["faults"])
        if key := order.get("refuse_key"):
            self.refused_keys.add(key)
        for photo_id in order.get("delete", ()):
            self.catalogue.remove(self._known(photo_id))
        for photo_id in order.get("change", ()):
            self.catalogue.change(self._known(photo_id))
        for photo_id in order.get("move", ()):
            self.catalogue.move(self._known(photo_id))
        for name in ("hide", "show"):
            for photo_id in order.get(name, ()):
                self.catalogue.hide(self._known(photo_id), private=name == "hide")
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
        return build_info(self.catalogue, n, own=self._index.is_own(n, query))

    def _sizes(self, query: Query) -> dict[str, Any]:
        n = self._index.find(query)
        if self.catalogue.is_refused(n):
            raise Failure(2, "Permission denied")
        return build_sizes(self.catalogue, n, own=self._index.is_own(n, query))

    def _exif(self, query: Query) -> dict[str, Any]:
        n = self._index.find(query)
        if self.catalogue.draw(n, 20) % 10 == 0:
            raise Failure(2, "Permission denied")  # the owner hides it
        rows = (("IFD0", "Make", "Make", "Canon"), ("ExifIFD", "FNumber", "Aperture", "8.0"))
        exif: list[dict[str, Any]] = [
            {"tagspace": space, "tagspaceid": 0, "tag": tag, "label": label, "raw": {"_content": raw}}
            for space, tag, label, raw in rows
        ]
        exif[1]["clean"] = {"_content": "f/8.0"}
        return {"photo": {**self._index.head(n), "camera": "Canon EOS 5D", "exif": exif}, "stat": "ok"}

    def _comments(self, query: Query) -> dict[str, Any]:
        """No `comment` member where there is none."""
        n = self._index.find(query)
        photo_id, people = str(self.catalogue.id_of(n)), self.catalogue.people
        comments = []
        for i in range(count_comments(self.catalogue, n)):
            drawn = self.catalogue.draw(n, 30 + i)
            person = people[drawn % len(people)]
            comments.append(
                {
                    "id": f"{n}-{photo_id}-{i}",
                    "author": person.nsid,
                    "author_is_deleted": 0,
                    "authorname": person.username,
                    **person.icon,
                    "datecreate": str(self.catalogue.uploads[n] + 3600 * (i + 1)),
                    "permalink": f"{page_url(self.catalogue, n)}#comment{i}",
                    "path_alias": person.alias,
                    "realname": person.realname or "",
                    "_content": COMMENTS[drawn % len(COMMENTS)],
                }
            )
        found: dict[str, Any] = {"photo_id": photo_id} | ({"comment": comments} if comments else {})
        return {"comments": found, "stat": "ok"}

    def _contexts(self, query: Query) -> dict[str, Any]:
        """The sets and the pools of a photo; only `stat` where it is in neither."""
        n = self._index.find(query)
        found = {"set": self.albums.contexts(n, query), "pool": self._groups.pools(n)}
        return {name: rows for name, rows in found.items() if rows} | {"stat": "ok"}

    def _licenses(self, _query: Query) -> dict[str, Any]:
        rows = [{"id": str(i), "name": name, "url": url} for i, (name, url) in enumerate(LICENSES)]
        return {"licenses": {"license": rows}, "stat": "ok"}

    def _unknown(self, query: Query) -> dict[str, Any]:
        raise Failure(112, f'Method "{query.get("method", "")}" not found')

    def _echo(self, query: Query) -> dict[str, Any]:
        """All arguments, the key and the signature included."""
        given = {**query, "api_auth_is_oauth": "1"} if CALLER in query else query
        shown = {name: {"_content": value} for name, value in given.items() if name not in (CALLER, PERMS)}
        return shown | {"stat": "ok"}
