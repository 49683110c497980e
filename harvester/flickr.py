"""The API's language: methods, arguments, and the parts of a photo. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import quote, urlsplit

from harvester.errors import UsageError, show
from harvester.model import read_photo_id

SEARCH = "flickr.photos.search"
PERSON_PHOTOS = "flickr.people.getPhotos"
"""An account's photostream: without the cap, newest first and never otherwise."""
RESTRICTED = "3"
"""The safe_search of all there is: a login gets what it may see, where Flickr takes less for granted; a call without
login gets what is safe, whatever it asks for."""
CAP = 4000
"""Results that Flickr serves of any one search; pages past them repeat earlier ones, or fail with code 20."""
PAGE_SIZE = 500
"""The largest page; a geographic search answers with at most 250 whatever is asked."""

EXTRAS = (
    "description,license,date_upload,date_taken,owner_name,icon_server,original_format,last_update,geo,tags,"
    "machine_tags,o_dims,views,media,path_alias,realname,count_comments,count_faves,url_sq,url_q,url_t,url_s,url_n,"
    "url_w,url_m,url_z,url_c,url_l,url_h,url_k,url_3k,url_4k,url_5k,url_6k,url_o"
)
"""All that a listing can tell: the documented extras, and those seen to work besides."""


@dataclass(frozen=True, slots=True)
class Part:
    """A member of a photo's line: the method that answers it, and the member of the answer that is kept."""

    method: str
    member: str | None
    arguments: str = ""
    listed: str = ""
    """Where the answer comes in pages: the member that lists, of which all pages are put together."""


PARTS: Mapping[str, Part] = MappingProxyType(
    {
        "info": Part("flickr.photos.getInfo", "photo"),
        "sizes": Part("flickr.photos.getSizes", "sizes"),
        "exif": Part("flickr.photos.getExif", "photo"),
        "comments": Part("flickr.photos.comments.getList", "comments"),
        "contexts": Part("flickr.photos.getAllContexts", None),
        "people": Part("flickr.photos.people.getList", "people"),
        "favorites": Part("flickr.photos.getFavorites", "photo", "&per_page=50", "person"),
    }
)


def build_query(method: str, arguments: Mapping[str, str]) -> str:
    """`method=…&name=value…`, percent-encoded, without the key."""
    pairs = {"method": method, **arguments}
    return "&".join(f"{name}={quote(value, safe='~,')}" for name, value in pairs.items())


def build_prefix(api_url: str, api_key: str | None) -> str:
    """What every address of a call begins with; a signed call names its key elsewhere. UsageError for no address."""
    parts = urlsplit(api_url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise UsageError(f"{api_url!r} is no address of an API; write https://HOST/services/rest/.", field="api_url")
    key = "" if api_key is None else f"api_key={quote(api_key.strip(), safe='')}&"
    return f"{api_url.strip()}?{key}format=json&nojsoncallback=1&"


_LONGEST = 2000
"""Characters of a photo's address; browsers and servers cut them off there."""
_ALPHABET = "123456789abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"
_PHOTO_FORMS = (
    r"(?:www\.|m\.|secure\.)?flickr\.com/photos/[^/?#]+/(?P<page>\d+)(?:[/?#].*)?",
    r"(?:www\.)?flic\.kr/p/(?P<short>[1-9A-HJ-NP-Za-km-z]{1,11})/?(?:[?#].*)?",
    r"(?:live|farm\d+)\.static\.?flickr\.com/(?:\d+/)?\d+/(?P<image>\d+)_[0-9a-f]+(?:_\w+)?\.\w+(?:[?#].*)?",
)


def parse_photo(text: str) -> str:
    """The id of a photo given as id, page (`flickr.com/photos/x/1`), short address or image address.

    UsageError where it is none of them.
    """
    if len(text) > _LONGEST:
        raise UsageError(f"{show(text)} is too long for a photo's id or address.")
    text = text.strip()
    bare = re.sub(r"^https?://", "", text)
    for form in _PHOTO_FORMS:
        if found := re.fullmatch(form, bare, re.IGNORECASE if "short" not in form else 0):
            groups = found.groupdict()
            return read_photo_id(_from_base58(groups["short"]) if "short" in groups else next(iter(groups.values())))
    if "/" in text or "." in text:
        raise UsageError(f"{show(text)} is not the address of a photo, such as https://flickr.com/photos/NAME/ID.")
    return read_photo_id(text)


def _from_base58(text: str) -> int:
    """flic.kr/p/… is the id in base 58, without 0, I, O and l."""
    value = 0
    for letter in text:
        value = value * 58 + _ALPHABET.index(letter)
    return value
