"""All of an account but its sets: photostream, galleries, groups, favourites, contacts, login."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .catalogue import Catalogue
from .dates import parse_moment
from .listings import Answer, Page, Shelf, build_photos, database_id, require_login
from .search import CALLER, Failure, Query, Searcher
from .shapes import FARM, SERVER

FIRST_GALLERY = 72_157_700_000_000_000
_GALLERY, _FAVORITE = 1_000, 2_000
_GROUP = "Monkeys & friends"


class Accounts:
    """Answers `flickr.people.*`, `flickr.galleries.*`, `flickr.groups.*`, `flickr.favorites.*`, `flickr.contacts.*`."""

    def __init__(self, catalogue: Catalogue, shelf: Shelf, searcher: Searcher) -> None:
        self._catalogue = catalogue
        self._shelf = shelf
        self._searcher = searcher
        self.methods: Mapping[str, Callable[[Query], Answer]] = {
            "flickr.people.getPhotos": self._stream,
            "flickr.people.getPublicPhotos": self._public_stream,
            "flickr.people.getPublicGroups": self._groups,
            "flickr.people.getGroups": self._own_groups,
            "flickr.groups.getInfo": self._group,
            "flickr.groups.pools.getPhotos": self._pool,
            "flickr.galleries.getList": self._galleries,
            "flickr.galleries.getInfo": self._gallery_info,
            "flickr.galleries.getPhotos": self._gallery_photos,
            "flickr.favorites.getPublicList": self._favorites,
            "flickr.favorites.getList": self._favorites,
            "flickr.contacts.getPublicList": self._contacts,
            "flickr.contacts.getList": self._own_contacts,
            "flickr.photos.recentlyUpdated": self._updated,
            "flickr.photos.people.getList": self._shown,
            "flickr.test.login": self._login,
            "flickr.auth.oauth.checkToken": self._check_token,
        }

    def _stream(self, query: Query) -> Answer:
        """No cap; newest first."""
        owner = self._shelf.owner(query, code=2, message="Unknown user")
        found = self._searcher.find({**query, "user_id": self._catalogue.people[owner].nsid})
        return build_photos(Page(found[::-1], query), query, self._catalogue)

    def _public_stream(self, query: Query) -> Answer:
        self._shelf.owner(query)
        return self._stream({name: value for name, value in query.items() if name != CALLER})

    def _contacts(self, query: Query) -> Answer:
        """An empty list claims one page."""
        owner = self._shelf.owner(query)
        people = [p for p in self._catalogue.people if p is not self._catalogue.people[owner]]
        page = Page(people, query, per_page=1000, most=1000)
        rows = [
            {"nsid": p.nsid, "username": p.username, "iconserver": "7", "iconfarm": 1, "ignored": 0, "rev_ignored": 0}
            for p in page.shown
        ]
        claims = page.claims() | {"pages": max(1, page.claims()["pages"]), "per_page": page.per_page}
        return {"contacts": {**claims, "contact": rows}, "stat": "ok"}

    def _own_contacts(self, query: Query) -> Answer:
        caller = require_login(query, self._catalogue)
        return self._contacts({**query, "user_id": caller.nsid})

    def _galleries(self, query: Query) -> Answer:
        owner = self._shelf.owner(query)
        page = Page(range(owner % 5), query)
        claims = page.claims()
        claims["per_page"] = claims.pop("perpage")
        rows = [self._gallery(owner, number, query) for number in page.shown]
        user = {"user_id": self._catalogue.people[owner].nsid}
        return {"galleries": {**claims, **user, "gallery": rows}, "stat": "ok"}

    def _gallery(self, owner: int, number: int, query: Query) -> Answer:
        person, members = self._catalogue.people[owner], self._gallery_members(owner, number, query)
        short = str(FIRST_GALLERY + owner * 100 + number)
        primary = str(self._catalogue.id_of(members[0])) if members else ""
        return {
            "id": f"{database_id(person)}-{short}",
            "gallery_id": short,
            "url": f"https://www.flickr.com/photos/{person.alias or person.nsid}/galleries/{short}",
            "owner": person.nsid,
            "username": person.username,
            "iconserver": "7",
            "iconfarm": 1,
            "primary_photo_id": primary,
            "date_create": "1402704503",
            "date_update": "1484094962",
            "count_photos": sum(not self._catalogue.is_video(n) for n in members),
            "count_videos": sum(map(self._catalogue.is_video, members)),
            "count_views": 6,
            "count_comments": 0,
            "title": {"_content": f"Gallery № {number}"},
            "description": {"_content": ""},
            "primary_photo_server": SERVER if members else "",
            "primary_photo_farm": FARM if members else 0,
            "primary_photo_secret": self._catalogue.secret(members[0]) if members else "",
        }

    def _gallery_members(self, owner: int, number: int, query: Query) -> list[int]:
        """Photos of others, in the order of the gallery."""
        count = 5 + self._catalogue.dice(owner, _GALLERY + number) % 40
        return self._sample(owner, count, salt=_GALLERY * 100 + number, query=query)

    def _sample(self, owner: int, count: int, *, salt: int, query: Query) -> list[int]:
        photos = self._catalogue.options.photos
        drawn = (self._catalogue.dice(salt * 1_000 + i, owner) % photos for i in range(count)) if photos else ()
        others = [n for n in dict.fromkeys(drawn) if self._catalogue.owners[n] != owner]
        return self._shelf.visible(others, query)

    def _find_gallery(self, query: Query) -> tuple[int, int]:
        text = query.get("gallery_id", "").rpartition("-")[2]
        offset = int(text) - FIRST_GALLERY if text.isascii() and text.isdigit() and len(text) < 19 else -1
        owner, number = divmod(offset, 100)
        if offset < 0 or owner >= len(self._catalogue.people) or number >= owner % 5:
            raise Failure(1, "Invalid gallery ID")
        return owner, number

    def _gallery_info(self, query: Query) -> Answer:
        gallery = self._gallery(*self._find_gallery(query), query)
        return {"gallery": {**gallery, "current_state": "4ce80e3c8107fdf294c861fdd6769920"}, "stat": "ok"}

    def _gallery_photos(self, query: Query) -> Answer:
        members = self._gallery_members(*self._find_gallery(query), query)
        more = {n: {"is_primary": int(n == members[0]), "has_comment": 0} for n in members}
        return build_photos(Page(members, query), query, self._catalogue, more)

    def _favorites(self, query: Query) -> Answer:
        """Latest favoured first; every fourth person favours nothing."""
        owner = self._shelf.owner(query)
        count = 0 if owner % 4 == 3 else 50 + self._catalogue.dice(owner, _FAVORITE) % 650
        chosen = self._sample(owner, count, salt=_FAVORITE * 100, query=query)
        more = {n: {"date_faved": str(1_735_600_000 - 977 * i)} for i, n in enumerate(chosen)}
        return build_photos(Page(chosen, query), query, self._catalogue, more)

    def _known_group(self, query: Query) -> None:
        if query.get("group_id") != self._catalogue.group_id:
            raise Failure(1, "Group not found")

    def _group(self, query: Query) -> Answer:
        self._known_group(query)
        texts = {"name": _GROUP, "description": "<b>Monkeys</b> only.", "rules": "", "members": "1204"}
        texts |= {"pool_count": str(len(self._searcher.find({"group_id": self._catalogue.group_id}))), "privacy": "3"}
        head = {"id": self._catalogue.group_id, "nsid": self._catalogue.group_id, "path_alias": "monkeys"}
        wrapped = {name: {"_content": text} for name, text in texts.items()}
        return {
            "group": {**head, "iconserver": "0", "iconfarm": 0, **wrapped, "lang": None, "ispoolmoderated": 0},
            "stat": "ok",
        }

    def _groups(self, query: Query) -> Answer:
        """Every second person is in the group."""
        if self._shelf.owner(query) % 2:
            return {"groups": {"group": []}, "stat": "ok"}
        row = {"nsid": self._catalogue.group_id, "name": _GROUP, "iconfarm": 0, "iconserver": "0", "admin": ""}
        row |= {"eighteenplus": 0, "invitation_only": 0, "members": "1204", "pool_count": "33021"}
        return {"groups": {"group": [row]}, "stat": "ok"}

    def _own_groups(self, query: Query) -> Answer:
        """Groups that are not public too; there are none here."""
        require_login(query, self._catalogue)
        return self._groups(query)

    def _pool(self, query: Query) -> Answer:
        """Latest added first."""
        self._known_group(query)
        found = self._searcher.find(query)[::-1]
        extras = f"{query.get('extras', '')},owner_name"
        more = {n: {"dateadded": str(self._catalogue.uploads[n] + 86_400)} for n in found}
        return build_photos(Page(found, query), {**query, "extras": extras}, self._catalogue, more)

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

    def _shown(self, query: Query) -> Answer:
        n = self._catalogue.number_of(query.get("photo_id", ""))
        if n is None or not self._shelf.visible([n], query):
            raise Failure(1, "Photo not found")
        return {"people": {"total": 0, "photo_width": "500", "photo_height": "375"}, "stat": "ok"}

    def _login(self, query: Query) -> Answer:
        caller = require_login(query, self._catalogue)
        return {"user": {"id": caller.nsid, "username": {"_content": caller.username}}, "stat": "ok"}

    def _check_token(self, query: Query) -> Answer:
        caller = require_login(query, self._catalogue)
        user = {"nsid": caller.nsid, "username": caller.username, "fullname": caller.realname or ""}
        token = {"_content": query.get("oauth_token", "")}
        return {"oauth": {"token": token, "perms": {"_content": "read"}, "user": user}, "stat": "ok"}
