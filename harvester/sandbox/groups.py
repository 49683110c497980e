"""Groups: there is one, which holds every third photo and every second person."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from .catalogue import Catalogue
from .listings import Answer, Page, PhotoIndex, build_photos, require_login
from .search import CALLER, Failure, Query, Searcher

_NAME, _ALIAS = "Monkeys & friends", "monkeys"
_ICON: Answer = {"iconserver": "0", "iconfarm": 0}
_MEMBERS, _TOPICS = "1204", "88"
_KINDS = ("photos", "videos", "images", "screens", "art", "safe", "moderate", "restricted")
_RESTRICTIONS: Answer = {**{f"{kind}_ok": int(kind != "restricted") for kind in _KINDS}, "has_geo": 0}
_BLAST = {"_content": "Monkeys of the month: see the <b>discussion</b>.", "date_blast_added": "1406814036"}


class Groups:
    """Answers `flickr.groups.*`, `flickr.urls.lookupGroup` and the lists of somebody's groups."""

    def __init__(self, catalogue: Catalogue, index: PhotoIndex, searcher: Searcher) -> None:
        self._catalogue = catalogue
        self._index = index
        self._searcher = searcher
        self.methods: Mapping[str, Callable[[Query], Answer]] = {
            "flickr.people.getPublicGroups": self._groups,
            "flickr.people.getGroups": self._own_groups,
            "flickr.groups.getInfo": self._info,
            "flickr.groups.pools.getPhotos": self._pool,
            "flickr.urls.lookupGroup": self._by_url,
        }

    def pools(self, n: int) -> list[Answer]:
        """The pools of a photo, as getAllContexts tells them."""
        if n % 3:
            return []
        head = {"title": _NAME, "url": f"/groups/{_ALIAS}/pool/", "id": self._catalogue.group_id}
        return [{**head, **_ICON, "members": _MEMBERS, "pool_count": self._pool_count()}]

    def _pool_count(self) -> str:
        return str(len(self._searcher.find({"group_id": self._catalogue.group_id})))

    def _check(self, query: Query) -> None:
        if query.get("group_id") != self._catalogue.group_id:
            raise Failure(1, "Group not found")

    def _by_url(self, query: Query) -> Answer:
        if not re.search(rf"flickr\.com/groups/({_ALIAS}|{self._catalogue.group_id})(/|$)", query.get("url", "")):
            raise Failure(1, "Group not found")
        return {"group": {"id": self._catalogue.group_id, "groupname": {"_content": _NAME}}, "stat": "ok"}

    def _info(self, query: Query) -> Answer:
        """A signed call learns what the caller is in the group."""
        self._check(query)
        texts = {"name": _NAME, "description": "<b>Monkeys</b> only.", "rules": "", "members": _MEMBERS}
        texts |= {"pool_count": self._pool_count(), "topic_count": _TOPICS, "privacy": "3"}
        head = {"id": self._catalogue.group_id, "nsid": self._catalogue.group_id, "path_alias": _ALIAS, **_ICON}
        wrapped = {name: {"_content": text} for name, text in texts.items()}
        roles = {"member": "Member", "moderator": "Moderator", "admin": "Admin"}
        more = {"lang": None, "ispoolmoderated": 0, "roles": roles, "photo_limit_opt_out": "0"}
        if CALLER in query:
            more |= {"is_member": int(not self._index.owner({CALLER: query[CALLER]}) % 2)}
            more |= {"is_moderator": 0, "is_admin": 0}
        blast = {**_BLAST, "user_id": self._catalogue.people[0].database_id}
        limits = {"throttle": {"count": 0, "remaining": 0, "mode": "disabled"}, "restrictions": _RESTRICTIONS}
        return {"group": {**head, **wrapped, **more, "blast": blast, **limits}, "stat": "ok"}

    def _row(self) -> Answer:
        head = {"nsid": self._catalogue.group_id, "name": _NAME, **_ICON, "eighteenplus": 0, "invitation_only": 0}
        return {**head, "members": _MEMBERS, "pool_count": self._pool_count()}

    def _groups(self, query: Query) -> Answer:
        if self._index.owner(query) % 2:
            return {"groups": {"group": []}, "stat": "ok"}
        more = {"is_member": int(CALLER in query), "is_moderator": 0, "is_admin": 0}
        return {"groups": {"group": [{**self._row(), "admin": "", **more}]}, "stat": "ok"}

    def _own_groups(self, query: Query) -> Answer:
        """Groups that are not public too; there are none here. Each tells more of itself than in the public list."""
        caller = require_login(query, self._catalogue)
        if self._index.owner({CALLER: caller.nsid}) % 2:
            return {"groups": {"group": []}, "stat": "ok"}
        more = {"privacy": {"_content": 3}, "throttle": {"mode": "none"}, "restrictions": _RESTRICTIONS}
        return {"groups": {"group": [{**self._row(), "admin": 0, **more}]}, "stat": "ok"}

    def _pool(self, query: Query) -> Answer:
        """Latest added first."""
        self._check(query)
        found = self._searcher.find(query)[::-1]
        extras = f"{query.get('extras', '')},owner_name"
        more = {n: {"dateadded": str(self._catalogue.uploads[n] + 86_400)} for n in found}
        return build_photos(Page(found, query), {**query, "extras": extras}, self._catalogue, more)
