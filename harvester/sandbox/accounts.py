"""An account's own photos, its favourites, and its login."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .catalogue import Catalogue
from .dates import parse_moment
from .listings import Answer, Page, PhotoIndex, build_photos, require_login
from .search import CALLER, PERMS, Failure, Query, Searcher

_FAVORITE = 2_000


class Accounts:
    """Answers `flickr.people.getPhotos`, `flickr.favorites.*`, `flickr.photos.recentlyUpdated` and the login tests."""

    def __init__(self, catalogue: Catalogue, index: PhotoIndex, searcher: Searcher) -> None:
        self._catalogue = catalogue
        self._index = index
        self._searcher = searcher
        self._changed: dict[int, list[int]] = {}
        """The favourites of those who have added or removed some, latest first."""
        self.methods: Mapping[str, Callable[[Query], Answer]] = {
            "flickr.people.getPhotos": self._stream,
            "flickr.people.getPublicPhotos": self._public_stream,
            "flickr.favorites.getPublicList": self._favorites,
            "flickr.favorites.getList": self._favorites,
            "flickr.favorites.add": self._add_favorite,
            "flickr.favorites.remove": self._remove_favorite,
            "flickr.photos.recentlyUpdated": self._updated,
            "flickr.test.login": self._login,
            "flickr.auth.oauth.checkToken": self._check_token,
        }

    def _stream(self, query: Query) -> Answer:
        """No cap; newest first."""
        owner = self._index.owner(query, code=2, message="Unknown user")
        found = self._searcher.find({**query, "user_id": self._catalogue.people[owner].nsid})
        return build_photos(Page(found[::-1], query), query, self._catalogue)

    def _public_stream(self, query: Query) -> Answer:
        self._index.owner(query)
        return self._stream({name: value for name, value in query.items() if name != CALLER})

    def _favorites(self, query: Query) -> Answer:
        """Latest favoured first; every fourth person favours nothing."""
        chosen = self._index.visible(self._favored_by(self._index.owner(query), query), query)
        more = {n: {"date_faved": str(1_735_600_000 - 977 * i)} for i, n in enumerate(chosen)}
        return build_photos(Page(chosen, query), query, self._catalogue, more)

    def _favored_by(self, owner: int, query: Query) -> list[int]:
        if owner in self._changed:
            return self._changed[owner]
        count = 0 if owner % 4 == 3 else 50 + self._catalogue.draw(owner, _FAVORITE) % 650
        return self._index.sample(owner, count, salt=_FAVORITE * 100, query=query)

    def _add_favorite(self, query: Query) -> Answer:
        caller = self._catalogue.people.index(require_login(query, self._catalogue, perms="write"))
        n, favorites = self._index.find(query), self._favored_by(caller, query)
        if self._catalogue.owners[n] == caller:
            raise Failure(2, "Photo is owned by you")
        if n in favorites:
            raise Failure(3, "Photo is already in favorites")
        self._changed[caller] = [n, *favorites]
        return {"stat": "ok"}

    def _remove_favorite(self, query: Query) -> Answer:
        caller = self._catalogue.people.index(require_login(query, self._catalogue, perms="write"))
        n, favorites = self._index.find(query), self._favored_by(caller, query)
        if n not in favorites:
            raise Failure(1, "Photo not in favorites")
        self._changed[caller] = [favorite for favorite in favorites if favorite != n]
        return {"stat": "ok"}

    def _updated(self, query: Query) -> Answer:
        """The caller's photos that changed since, latest change first."""
        caller = require_login(query, self._catalogue)
        since = parse_moment(query.get("min_date", ""))
        if not query.get("min_date") or since is None:
            missing = not query.get("min_date")
            raise Failure(1, "Required argument missing.") if missing else Failure(2, "Not a valid date.")
        own = self._searcher.find({"user_id": caller.nsid, CALLER: caller.nsid})
        found = [n for n in own if self._catalogue.updated(n) >= since]
        found.sort(key=self._catalogue.updated, reverse=True)
        extras = f"{query.get('extras', '')},last_update"
        return build_photos(Page(found, query), {**query, "extras": extras}, self._catalogue)

    def _login(self, query: Query) -> Answer:
        caller = require_login(query, self._catalogue)
        user = {"id": caller.nsid, "username": {"_content": caller.username}, "path_alias": caller.alias}
        return {"user": user, "stat": "ok"}

    def _check_token(self, query: Query) -> Answer:
        caller = require_login(query, self._catalogue)
        user = {"nsid": caller.nsid, "username": caller.username, "fullname": caller.realname or ""}
        token = {"_content": query.get("oauth_token", "")}
        return {"oauth": {"token": token, "perms": {"_content": query.get(PERMS, "read")}, "user": user}, "stat": "ok"}
