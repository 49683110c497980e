"""How many photos a stretch of upload time holds, by Flickr's count: one call, of which one row comes."""

from __future__ import annotations

from collections.abc import Mapping

from harvester.engine.lister import explain_sweep
from harvester.errors import GivenUp, Refused, Unreachable, UsageError
from harvester.flickr.geo import EVER
from harvester.flickr.methods import SEARCH, build_query
from harvester.flickr.responses import read_page
from harvester.jobs.model import Source
from harvester.listing.roots import find_roots
from harvester.transport.client import Client


async def count_photos(source: Source, found: Mapping[str, str], client: Client, *, horizon: int) -> int | None:
    """What Flickr claims of a source's photos; None where it tells no number.

    `found` holds the source's arguments, names looked up. UsageError where Flickr refuses the search, Unreachable where
    it does not answer.
    """
    roots = find_roots(source, found, horizon=horizon, to_files=False)
    total = 0
    for sweep in roots.sweeps:
        asked = {**(EVER if roots.method == SEARCH else {}), **roots.arguments, **dict(sweep.narrow), **sweep.arguments}
        claimed = await _ask(roots.method, {**asked, "per_page": "1"}, client)
        if claimed is None:
            return None
        total += claimed
    return total


async def _ask(method: str, arguments: Mapping[str, str], client: Client) -> int | None:
    query = build_query(method, arguments)
    try:
        return (await client.call(query, lambda body: read_page(body, method=method))).total
    except Refused as error:
        raise UsageError(explain_sweep(method, error)) from None
    except GivenUp as error:
        raise Unreachable(f"The shard cannot be counted: {error}. Run the same command again.") from None
