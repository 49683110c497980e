"""The answer of getInfo, with the members and types of the recordings (2012 to 2025)."""

from __future__ import annotations

from typing import Any

from .catalogue import Catalogue, Person
from .places import Place
from .sizes import FARM, SERVER, can_download, page_url

_PLACE_PARTS = ("neighbourhood", "locality", "county", "region", "country")


def build_info(catalogue: Catalogue, n: int, *, own: bool = False) -> dict[str, Any]:
    """The answer of getInfo. `own` says that the owner asks."""
    person = catalogue.people[catalogue.owners[n]]
    downloads = can_download(catalogue, n)
    photo: dict[str, Any] = {
        "id": str(catalogue.id_of(n)),
        "secret": catalogue.secret(n),
        "server": SERVER,
        "farm": FARM,
        "dateuploaded": str(catalogue.uploads[n]),
        "isfavorite": 0,
        "license": str(catalogue.license(n)),
        "safety_level": "0",
        "rotation": 0,
    }
    if downloads:
        photo |= {"originalsecret": catalogue.secret(n, 8), "originalformat": "jpg"}
    photo |= {
        "owner": _owner(catalogue, n, person),
        "title": {"_content": catalogue.title(n)},
        "description": {"_content": catalogue.text(n).description},
        "visibility": {"ispublic": int(not catalogue.is_private(n)), "isfriend": 0, "isfamily": 0},
        "dates": _dates(catalogue, n),
    }
    if own:
        photo["permissions"] = {"permcomment": 3, "permaddmeta": 2}
    photo |= {
        "views": str(catalogue.draw(n, 10) % 5000),
        "editability": {"cancomment": int(own), "canaddmeta": int(own)},
        "publiceditability": {"cancomment": 1, "canaddmeta": 0},
        "usage": {"candownload": int(downloads), "canblog": int(own), "canprint": int(own), "canshare": 1},
        "comments": {"_content": str(count_comments(catalogue, n))},
        "notes": {"note": _notes(catalogue, n, person)},
        "people": {"haspeople": int(bool(list_shown(catalogue, n)))},
        "tags": {"tag": build_tags(catalogue, n, person)},
        **_location(catalogue, n),
        "urls": {"url": [{"type": "photopage", "_content": page_url(catalogue, n)}]},
        **_media(catalogue, n),
    }
    return {"photo": photo, "stat": "ok"}


def _owner(catalogue: Catalogue, n: int, person: Person) -> dict[str, Any]:
    """The owner: a real name and a location may be empty, or missing. `gift` came in 2022."""
    owner: dict[str, Any] = {"nsid": person.nsid, "username": person.username}
    owner |= {} if person.realname is None else {"realname": person.realname}
    owner |= {} if person.location is None else {"location": person.location}
    owner |= {**person.icon, "path_alias": person.alias}
    if not catalogue.has_old_shape(n):
        durations = ["year", "month", "week"]
        owner["gift"] = {"gift_eligible": True, "eligible_durations": durations, "new_flow": True}
    return owner


def _dates(catalogue: Catalogue, n: int) -> dict[str, Any]:
    """`takenunknown` came after 2014."""
    dates = {
        "posted": str(catalogue.uploads[n]),
        "taken": catalogue.taken_text(n),
        "takengranularity": write_granularity(catalogue, n),
        "lastupdate": str(catalogue.updated(n)),
    }
    return dates if catalogue.has_old_shape(n) else {**dates, "takenunknown": str(int(catalogue.taken_unknown(n)))}


def write_granularity(catalogue: Catalogue, n: int) -> int | str:
    """The granularity of the date taken: a text until 2014, a number now."""
    granularity = catalogue.granularity(n)
    return str(granularity) if catalogue.has_old_shape(n) else granularity


def write_point(catalogue: Catalogue, n: int, place: Place) -> dict[str, Any]:
    """Latitude and longitude: numbers until 2014, texts now."""
    if catalogue.has_old_shape(n):
        return {"latitude": place.latitude, "longitude": place.longitude}
    return {"latitude": f"{place.latitude:.6f}", "longitude": f"{place.longitude:.6f}"}


def list_shown(catalogue: Catalogue, n: int) -> list[Person]:
    """The people in a photo: one or two in every eighth."""
    drawn, people = catalogue.draw(n, 17), catalogue.people
    if drawn & 7:
        return []
    return [people[i] for i in sorted({(drawn >> 8) % len(people), (drawn >> 24) % len(people)})]


def build_tags(catalogue: Catalogue, n: int, person: Person) -> list[dict[str, Any]]:
    """The tags within a photo; an all-punctuation tag has an empty `_content`."""
    photo_id = catalogue.id_of(n)
    author = person.nsid.split("@", maxsplit=1)[0]
    return [
        {
            "id": f"{author}-{photo_id}-{i}",
            "author": person.nsid,
            "authorname": person.username,
            "raw": tag.raw,
            "_content": tag.clean,
            "machine_tag": (1 if tag.machine else 0) if i % 7 else tag.machine,
        }
        for i, tag in enumerate(catalogue.text(n).tags)
    ]


def count_comments(catalogue: Catalogue, n: int) -> int:
    """Most photos have none."""
    drawn = catalogue.draw(n, 12)
    return drawn >> 4 & 7 if drawn & 3 == 0 else 0


def _notes(catalogue: Catalogue, n: int, person: Person) -> list[dict[str, Any]]:
    if catalogue.draw(n, 13) & 31:
        return []
    note: dict[str, Any] = {"id": str(catalogue.draw(n, 14) % 10**11)}
    if not catalogue.has_old_shape(n):
        note |= {"photo_id": str(catalogue.id_of(n)), "authorrealname": person.realname or ""}
        note |= {"authorispro": 0, "authorisdeleted": 0}
    note |= {"author": person.nsid, "authorname": person.username}
    return [{**note, "x": "10", "y": "20", "w": "50", "h": "50", "_content": "who is this?"}]


def _location(catalogue: Catalogue, n: int) -> dict[str, Any]:
    """Until 2014 the place and each of its parts had the ids of the place. A part without a name is absent."""
    place = catalogue.place(n)
    if place is None:
        return {}
    ids = {"place_id": place.place_id, "woeid": place.woeid} if catalogue.has_old_shape(n) else {}
    location: dict[str, Any] = {**write_point(catalogue, n, place), "accuracy": "16", "context": "0", **ids}
    for part in _PLACE_PARTS:
        if name := getattr(place, part):
            location[part] = {"_content": name, **ids}
    return {"location": location, "geoperms": {"ispublic": 1, "iscontact": 0, "isfriend": 0, "isfamily": 0}}


def _media(catalogue: Catalogue, n: int) -> dict[str, Any]:
    """The sides of a video are texts; one in four has none."""
    if not catalogue.is_video(n):
        return {"media": "photo"}
    drawn = catalogue.draw(n, 11)
    width, height = (None, None) if drawn >> 8 & 3 == 0 else ("640", "360")
    state = {"ready": 1, "failed": 0, "pending": 0, "duration": str(drawn % 180)}
    return {"media": "video", "video": {**state, "width": width, "height": height}}
