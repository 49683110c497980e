"""The API's language: methods, arguments, and the parts of a photo. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import quote, urlsplit

from harvester.errors import UsageError

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
    "machine_tags,o_dims,views,media,path_alias,url_sq,url_q,url_t,url_s,url_n,url_m,url_z,url_c,url_l,url_o,"
    "realname,count_comments,count_faves,count_views,url_w,url_h,url_k,url_3k,url_4k,url_f,url_5k,url_6k,"
    "safety_level,rotation,visibility,visibility_source,usage,content_type,ispro,isfavorite,contact,can_comment,"
    "can_addmeta,can_download,can_share,publiceditability,needs_interstitial,secret_h,secret_k,icon_urls_deep,"
    "owner_datecreate,is_marketplace_printable,autotags,system_moderation,static_maps"
)
"""All that a listing can tell: the documented extras, and from `realname` on those that are seen or reported to work
besides. Flickr ignores extras that it does not know."""


def join_extras(more: str = "") -> str:
    """All extras that a listing is asked for, `more` of them with commas besides."""
    return ",".join(dict.fromkeys([*EXTRAS.split(","), *filter(None, more.split(","))]))


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
    return "&".join(f"{quote(name)}={quote(value, safe='~,')}" for name, value in pairs.items())


def build_prefix(api_url: str, api_key: str | None) -> str:
    """What every address of a call begins with; a signed call names its key elsewhere. UsageError for no address."""
    parts = urlsplit(api_url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise UsageError(f"{api_url!r} is no address of an API; write https://HOST/services/rest/.", field="api_url")
    key = "" if api_key is None else f"api_key={quote(api_key.strip(), safe='')}&"
    return f"{api_url.strip()}?{key}format=json&nojsoncallback=1&"
