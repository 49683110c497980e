"""The API's language: methods, arguments, and the parts of a photo. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias, get_args
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

LISTING_EXTRAS = (
    "description,license,date_upload,date_taken,owner_name,icon_server,original_format,last_update,geo,tags,"
    "machine_tags,o_dims,views,media,path_alias,url_sq,url_q,url_t,url_s,url_n,url_m,url_z,url_c,url_l,url_o,"
    "realname,count_comments,count_faves,count_views,url_w,url_h,url_k,url_3k,url_4k,url_f,url_5k,url_6k,"
    "safety_level,rotation,visibility,visibility_source,usage,content_type,ispro,isfavorite,contact,can_comment,"
    "can_addmeta,can_download,can_share,publiceditability,needs_interstitial,secret_h,secret_k,icon_urls_deep,"
    "owner_datecreate,is_marketplace_printable,autotags,system_moderation,static_maps"
)
"""All that a listing can tell: the documented extras, and from `realname` on those that are seen or reported to work
besides. Flickr ignores extras that it does not know."""


def join_listing_extras(more: str = "") -> str:
    """All extras that a listing is asked for, `more` of them with commas besides."""
    return ",".join(dict.fromkeys([*LISTING_EXTRAS.split(","), *filter(None, more.split(","))]))


Detail: TypeAlias = Literal["list", "info", "full"]
"""How much of each photo: the listing's row alone, or with the parts that belong to this detail and to lesser ones."""
DETAILS: tuple[Detail, ...] = get_args(Detail)
ADDRESSES = "addresses"
"""An answer names its photo only in the addresses of its pictures and pages."""


# Nine attributes: all that there is to say of a part stands in one place.
@dataclass(frozen=True, slots=True)
class Part:
    """A member of a photo's line: the method that answers it, and the member of the answer that is kept.

    `member` None keeps all members but the answer's status.
    """

    method: str
    member: str | None
    told: str = ""
    """What it is, for the documentation."""
    detail: Detail | None = None
    """The least detail to which it belongs; None where it comes by `--with` alone."""
    named: str | None = "id"
    """How the answer says whose it is: in this member of what is kept, in ADDRESSES, or, None, not at all."""
    mark: str = ""
    """The member that tells the answer from those of other methods, where several keep a member of one name."""
    arguments: str = ""
    listed: str = ""
    """Where the answer comes in pages: the member that lists, of which all pages are put together."""
    is_often_refused: bool = False
    """Whether Flickr often refuses it without saying for which photo."""

    @property
    def is_asked_alone(self) -> bool:
        """Whether so few answers say whose they are that asking alone at once saves calls."""
        return self.named is None or self.is_often_refused


PARTS: Mapping[str, Part] = MappingProxyType(
    {
        "info": Part(
            "flickr.photos.getInfo", "photo", "Title, description, owner, dates, tags, place.", "info", mark="owner"
        ),
        "sizes": Part(
            "flickr.photos.getSizes", "sizes", "Every size, with its address.", detail="full", named=ADDRESSES
        ),
        # Many owners hide what their cameras wrote.
        "exif": Part("flickr.photos.getExif", "photo", "What the camera wrote.", mark="exif", is_often_refused=True),
        "comments": Part("flickr.photos.comments.getList", "comments", "Its comments.", named="photo_id"),
        "contexts": Part("flickr.photos.getAllContexts", None, "The sets and pools that it is in.", named=None),
        "people": Part("flickr.photos.people.getList", "people", "The people on it.", named=None),
        "favorites": Part(
            "flickr.photos.getFavorites",
            "photo",
            "Who has favoured it, and when: all pages together.",
            mark="person",
            arguments="&per_page=50",
            listed="person",
        ),
    }
)
"""All that a line can hold of a photo besides the listing's row, in its order on the line. Each costs a call.

What is added here is fetched, kept on the line, counted by `plan`, offered by `--with` and told in the documentation.
"""
FURTHER = tuple(name for name, part in PARTS.items() if part.detail is None)
"""The parts that come by `--with` alone."""
SizesFrom: TypeAlias = Literal["call", "listing"]
"""Where the sizes of a photo come from: a call of getSizes, or the listing's row, where that has them."""
SIZES_FROM: tuple[SizesFrom, ...] = get_args(SizesFrom)
_SIZES = "sizes"
ROW_SIZES = "listed_sizes"
"""The part `sizes` where the listing's row will do: on the line it stands under the same name."""


def list_parts(detail: Detail, further: Collection[str] = (), *, sizes: SizesFrom = "call") -> tuple[str, ...]:
    """The parts at this detail, and those of the further ones that are asked for, in their order on the line."""
    own = DETAILS[: DETAILS.index(detail) + 1]
    names = (name for name, part in PARTS.items() if (name in further if part.detail is None else part.detail in own))
    return tuple(ROW_SIZES if name == _SIZES and sizes == "listing" else name for name in names)


def name_member(part: str) -> str:
    """The member of a line in which a part stands."""
    return _SIZES if part == ROW_SIZES else part


def count_asked(parts: Collection[str]) -> int:
    """How many of these parts cost a call for each photo."""
    return sum(part != ROW_SIZES for part in parts)


def covers(parts: Collection[str], others: Collection[str]) -> bool:
    """Whether a line with these parts has all that one with the others has: getSizes tells what a listing tells."""
    return all(other in parts or (other == ROW_SIZES and _SIZES in parts) for other in others)


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
