"""The sizes of a photo: getSizes, and the `url_` extras of listings.

From 2012 to 2019 the sides of one answer were texts and numbers side by side, as recorded. Since then all sides of
pictures are numbers, and the sides of videos are texts.
"""

from __future__ import annotations

from typing import Any

from .catalogue import Catalogue

SIZES = (
    ("Square", "sq", "s", 75),
    ("Large Square", "q", "q", 150),
    ("Thumbnail", "t", "t", 100),
    ("Small", "s", "m", 240),
    ("Small 320", "n", "n", 320),
    ("Small 400", "w", "w", 400),
    ("Medium", "m", "", 500),
    ("Medium 640", "z", "z", 640),
    ("Medium 800", "c", "c", 800),
    ("Large", "l", "b", 1024),
    ("Large 1600", "h", "h", 1600),
    ("Large 2048", "k", "k", 2048),
    ("X-Large 3K", "3k", "3k", 3072),
    ("X-Large 4K", "4k", "4k", 4096),
)
"""Label, name of the extra, suffix of the address, longest side."""
SERVER, FARM = "65535", 66
_OWN_SECRET = frozenset({"h", "k", "3k", "4k"})
"""Sizes above 1024 each have a secret of their own."""
_LATER = frozenset({"w"})
"""Names of sizes that are in no answer of 2019 and before."""
_COMPUTED = frozenset({"n", "c", "h", "k"})
"""Names of sizes whose short side was a number until 2019, and the long side a text."""
_VIDEOS = (("360p", "640", "360"), ("720p", "", ""), ("Video Original", "1280", "720"))
_OLD_VIDEOS = (("Site MP4", "640", "480"), ("Mobile MP4", "480", "360"), ("Video Original", "640", "480"))

Side = int | str


def page_url(catalogue: Catalogue, n: int) -> str:
    """The photo's page."""
    person = catalogue.people[catalogue.owners[n]]
    return f"https://www.flickr.com/photos/{person.alias or person.nsid}/{catalogue.id_of(n)}/"


def list_sizes(catalogue: Catalogue, n: int) -> list[tuple[str, str, Side, Side, str]]:
    """Label, name, width, height and address of each size that the photo has."""
    longest, portrait = _shape(catalogue, n)
    photo_id, secret = catalogue.id_of(n), catalogue.secret(n)
    old = catalogue.has_old_shape(n)
    found = []
    for label, name, suffix, side in SIZES:
        if side > longest:
            break
        if old and name in _LATER:
            continue
        short = side if "Square" in label else side * 3 // 4
        width, height = (short, side) if portrait else (side, short)
        own = catalogue.secret(n, side) if suffix in _OWN_SECRET else secret
        tail = f"_{suffix}" if suffix else ""
        source = f"https://live.staticflickr.com/{SERVER}/{photo_id}_{own}{tail}.jpg"
        found.append((label, name, *_write_sides(name, width, height, old=old), source))
    if can_download(catalogue, n):  # the original is there only where the owner lets it be downloaded
        source = f"https://live.staticflickr.com/{SERVER}/{photo_id}_{catalogue.secret(n, 8)}_o.jpg"
        found.append(("Original", "o", *_write_sides("o", *original_sides(catalogue, n), old=old), source))
    return found


def _write_sides(name: str, width: int, height: int, *, old: bool) -> tuple[Side, Side]:
    """Width and height, each as the text or the number that Flickr makes of it."""
    if not old or name == "sq":
        return width, height
    if name in _COMPUTED:
        return (width, str(height)) if height > width else (str(width), height)
    return str(width), str(height)


def _shape(catalogue: Catalogue, n: int) -> tuple[int, bool]:
    """The longest side of the original, and whether that is the height."""
    drawn = catalogue.draw(n, 7)
    return (800, 1024, 2048, 4000)[drawn & 3], bool(drawn & 4)


def longest_side(catalogue: Catalogue, n: int) -> int:
    """The longest side of the original, from which smaller sizes are made."""
    return _shape(catalogue, n)[0]


def is_portrait(catalogue: Catalogue, n: int) -> bool:
    """Whether the photo is higher than wide."""
    return _shape(catalogue, n)[1]


def original_sides(catalogue: Catalogue, n: int) -> tuple[int, int]:
    """Width and height of the original."""
    longest, portrait = _shape(catalogue, n)
    return (longest * 3 // 4, longest) if portrait else (longest, longest * 3 // 4)


def can_download(catalogue: Catalogue, n: int) -> bool:
    """Three in four."""
    return catalogue.draw(n, 7) >> 3 & 3 != 0


def build_sizes(catalogue: Catalogue, n: int, *, own: bool = False) -> dict[str, Any]:
    """The answer of getSizes. `own` says that the owner asks."""
    page = page_url(catalogue, n)
    sizes: list[dict[str, Any]] = [
        {
            "label": label,
            "width": width,
            "height": height,
            "source": source,
            "url": f"{page}sizes/{name}/",
            "media": "photo",
        }
        for label, name, width, height, source in list_sizes(catalogue, n)
    ]
    if catalogue.is_video(n):
        sizes += _video_sizes(catalogue, n, page)
    downloads = int(can_download(catalogue, n))
    return {
        "sizes": {"canblog": int(own), "canprint": int(own), "candownload": downloads, "size": sizes},
        "stat": "ok",
    }


def _video_sizes(catalogue: Catalogue, n: int, page: str) -> list[dict[str, Any]]:
    """Streams come after the pictures. Their sides are texts, and may be empty."""
    secret = catalogue.secret(n)
    player = f"https://www.flickr.com/apps/video/stewart.swf?v=109786&photo_id={catalogue.id_of(n)}"
    rows = [("Video Player", "640", "480", f"{player}&photo_secret={secret}")]
    for label, width, height in _OLD_VIDEOS if catalogue.has_old_shape(n) else _VIDEOS:
        stream = {"Site MP4": "site", "Mobile MP4": "mobile", "Video Original": "orig"}.get(label, label)
        rows.append((label, width, height, f"{page}play/{stream}/{secret}/"))
    return [
        {"label": label, "width": width, "height": height, "source": source, "url": page, "media": "video"}
        for label, width, height, source in rows
    ]
