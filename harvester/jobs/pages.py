"""Pages of flickr.com that the API has no list for, and what to ask for instead. Pure."""

from __future__ import annotations

import re
import shlex

_EXPLORE = "Explore, a choice of Flickr's for each day, which is not harvested; to have "
_PAGES = (
    (
        r"/explore/(?P<year>\d{4})/(?P<month>\d\d)/(?P<day>\d\d)",
        _EXPLORE + "the uploads of that day: harvester search --min-upload-date {year}-{month}-{day} "
        "--max-upload-date {year}-{month}-{day}.",
    ),
    (
        r"/explore(/.*)?",
        _EXPLORE + "all photos of a day, name it: harvester search --min-upload-date 2014-05-01 "
        "--max-upload-date 2014-05-01.",
    ),
    (
        r"/commons(/.*)?",
        (
            "the Flickr Commons; to have its photos, use harvester search --param is_commons=true, or name one of its "
            "institutions: harvester account USER."
        ),
    ),
    (
        r"/photos/tags/(?P<tag>[^/]+)/clusters(/.*)?",
        (
            "a cluster, by which Flickr groups some of a tag's photos; to have all of them, use "
            "harvester search --tags {tag}."
        ),
    ),
    (
        r"/gp/.+|/photos/[^/]+/shares/.+",
        (
            "a guest pass, which shows private photos to whoever has the address; the API takes none: ask its owner to "
            "let your account see the photos, and log in (harvester auth login)."
        ),
    ),
    (r"/(map|places|nearby)(/.*)?", "a map; to have the photos of a place, use harvester search --bbox W,S,E,N."),
    (r"/cameras(/.*)?", "a list of cameras, which Flickr's API cannot search by."),
)


def name_page(path: str) -> str | None:
    """What the page at a path of www.flickr.com is, as the rest of a sentence; None where that is not known."""
    for pattern, words in _PAGES:
        if found := re.fullmatch(pattern, path.rstrip("/")):
            return words.format(**{name: shlex.quote(value) for name, value in found.groupdict().items()})
    return None
