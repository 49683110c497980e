"""Sources as addresses name them."""

from __future__ import annotations

from harvester.jobs.model import Account, Photos, Source

PHOTO = Photos(ids=("32812033543",))
ALIAS = "https://www.flickr.com/photos/coast_guard/"
NSID = "11588490@N02"
STREAM = Account(user=ALIAS, only=("photos",))


def same(one: Source, other: Source) -> bool:
    ids = [list(source.listed) if isinstance(source, Photos) else None for source in (one, other)]
    return one.describe() == other.describe() and ids[0] == ids[1]
