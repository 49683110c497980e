"""What a peer does with the same photos on the same server, run in the peer's own virtual environment.

    python peer.py PEER ADDRESS hydrate PHOTOS   both answers of each photo, as far as the peer asks for them
    python peer.py PEER ADDRESS search 0         all that it finds of a search, by its own means

Prints a line of JSON: `seconds` and `photos`. Each peer is used as its documentation shows, with its waits taken out
and its address changed.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

FIRST_ID = 40_000_000_000
KEY = "0123456789abcdef0123456789abcdef"
Ids = Iterator[str]
Hydrate = Callable[[Iterable[str]], Ids]


def gallery_dl(address: str) -> tuple[Hydrate, Ids]:
    """With `info`: a call a photo, the sizes out of the listing."""
    from gallery_dl import config, extractor  # noqa: PLC0415
    from gallery_dl.extractor.common import Message  # noqa: PLC0415
    from gallery_dl.extractor.flickr import FlickrAPI, FlickrExtractor  # noqa: PLC0415

    FlickrAPI.API_URL = address
    FlickrExtractor.request_interval = FlickrExtractor.request_interval_min = 0
    FlickrAPI.API_KEY = KEY  # which else it reads off a page of flickr.com

    def search() -> Ids:
        for message in extractor.find("https://www.flickr.com/search/?text=sandbox"):
            if message[0] == Message.Url:
                yield str(message[2]["id"])

    def hydrate(ids: Iterable[str]) -> Ids:
        config.set(("extractor", "flickr"), "info", True)
        return islice(search(), len(list(ids)))

    return hydrate, search()


def flickrapi(address: str) -> tuple[Hydrate, Ids]:
    """Its `walk` fails on Python 3.9 and later, so pages are asked for one by one."""
    from flickrapi import FlickrAPI  # noqa: PLC0415

    FlickrAPI.REST_URL = address
    flickr = FlickrAPI(KEY, "secret", format="parsed-json", store_token=False)

    def hydrate(ids: Iterable[str]) -> Ids:
        for photo_id in ids:
            flickr.photos.getInfo(photo_id=photo_id)
            flickr.photos.getSizes(photo_id=photo_id)
            yield photo_id

    def search() -> Ids:
        page = pages = 1
        while page <= pages:
            found = flickr.photos.search(text="sandbox", page=page, per_page=500)["photos"]
            pages, page = int(found["pages"]), page + 1
            for row in found["photo"]:
                yield row["id"]

    return hydrate, search()


def flickr_api(address: str) -> tuple[Hydrate, Ids]:
    """The library of alexis-mignon."""
    import flickr_api as library  # noqa: PLC0415
    from flickr_api import method_call  # noqa: PLC0415

    library.set_keys(api_key=KEY, api_secret="secret")
    defaults = method_call.call_api.__defaults__
    method_call.call_api.__defaults__ = tuple(address if d == method_call.REST_URL else d for d in defaults)

    def hydrate(ids: Iterable[str]) -> Ids:
        for photo_id in ids:
            photo = library.Photo(id=photo_id)
            photo.getInfo()
            photo.getSizes()
            yield photo_id

    def search() -> Ids:
        for photo in library.Walker(library.Photo.search, text="sandbox", per_page=500):
            yield photo.id

    return hydrate, search()


def flickr_photos_api(address: str) -> tuple[Hydrate, Ids]:
    """The library of the Flickr Foundation; of a search it offers the pages of a tag."""
    from flickr_photos_api import FlickrPhotosApi  # noqa: PLC0415

    api: Any = FlickrPhotosApi(api_key=KEY, user_agent="bench")
    api.client.base_url = address

    def hydrate(ids: Iterable[str]) -> Ids:
        for photo_id in ids:
            yield api.get_single_photo(photo_id=photo_id)["id"]

    def search() -> Ids:
        page = pages = 1
        while page <= pages:
            found = api.get_photos_with_tag("sandbox", page=page, per_page=500)
            pages, page = found["page_count"], page + 1
            for photo in found["photos"]:
                yield photo["id"]

    return hydrate, search()


PEERS = {
    "gallery-dl": gallery_dl,
    "flickrapi": flickrapi,
    "flickr-api": flickr_api,
    "flickr-photos-api": flickr_photos_api,
}


def main(name: str, address: str, task: str, count: str) -> None:
    """Do it, and say how long it took."""
    hydrate, search = PEERS[name](address)
    began = time.perf_counter()
    found = set(hydrate([str(FIRST_ID + n) for n in range(int(count))]) if task == "hydrate" else search)
    print(json.dumps({"seconds": time.perf_counter() - began, "photos": len(found)}))  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
