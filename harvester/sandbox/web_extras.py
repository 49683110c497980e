"""Extras that Flickr's own web pages ask for and its documentation does not name.

They are reported to work by clients of the API; recordings exist of `safety_level`, `realname` and the counters. The
others have here the shapes that getInfo gives to the same facts. Extras of unknown shape (`autotags`, `static_maps`,
`system_moderation` and the like) are ignored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .catalogue import Catalogue
from .info import count_comments
from .sizes import can_download, longest_side

Row = dict[str, Any]


def _realname(catalogue: Catalogue, n: int) -> Row:
    """Missing for people who give none."""
    name = catalogue.people[catalogue.owners[n]].realname
    return {} if name is None else {"realname": name}


def _visibility(catalogue: Catalogue, n: int) -> Row:
    return {"visibility": {"ispublic": int(not catalogue.is_private(n)), "isfriend": 0, "isfamily": 0}}


def _usage(catalogue: Catalogue, n: int) -> Row:
    return {"usage": {"candownload": int(can_download(catalogue, n)), "canblog": 0, "canprint": 0, "canshare": 1}}


def _own_secret(catalogue: Catalogue, n: int, *, suffix: str, side: int) -> Row:
    """Sizes above 1024 each have a secret of their own; it comes only where the size exists."""
    return {f"secret_{suffix}": catalogue.secret(n, side)} if side <= longest_side(catalogue, n) else {}


WEB_EXTRAS: Mapping[str, Callable[[Catalogue, int], Row]] = {
    "can_addmeta": lambda _c, _n: {"can_addmeta": 0},
    "can_comment": lambda _c, _n: {"can_comment": 0},
    "can_download": lambda c, n: {"can_download": int(can_download(c, n))},
    "can_share": lambda _c, _n: {"can_share": 1},
    "contact": lambda _c, _n: {"contact": 0},
    "content_type": lambda _c, _n: {"content_type": "1"},
    "count_comments": lambda c, n: {"count_comments": str(count_comments(c, n))},
    "count_faves": lambda c, n: {"count_faves": str(c.draw(n, 15) % 60)},
    "count_views": lambda c, n: {"count_views": str(c.draw(n, 10) % 5000)},
    "isfavorite": lambda _c, _n: {"isfavorite": 0},
    "ispro": lambda _c, _n: {"ispro": 1},
    "needs_interstitial": lambda _c, _n: {"needs_interstitial": 0},
    "publiceditability": lambda _c, _n: {"publiceditability": {"cancomment": 1, "canaddmeta": 0}},
    "realname": _realname,
    "rotation": lambda _c, _n: {"rotation": 0},
    "safety_level": lambda _c, _n: {"safety_level": "0"},
    "secret_h": lambda c, n: _own_secret(c, n, suffix="h", side=1600),
    "secret_k": lambda c, n: _own_secret(c, n, suffix="k", side=2048),
    "usage": _usage,
    "visibility": _visibility,
}
