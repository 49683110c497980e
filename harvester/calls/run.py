"""Makes the calls: one, or one for each page of a list."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping

from harvester.calls.answer import Answer, Listing, read_answer, read_listing
from harvester.calls.paging import Paging
from harvester.errors import Refused
from harvester.flickr.method_list import Method
from harvester.flickr.methods import build_query
from harvester.transport.client import Client


async def make_call(client: Client, method: Method, arguments: Mapping[str, str]) -> Answer:
    """One answer. A method that writes is sent once.

    Raises Refused with the method's name, and what `Client.call` does besides.
    """
    query = build_query(method.name, arguments)
    try:
        return await client.call(query, read_answer, method.name, once=method.writes)
    except Refused as error:
        raise Refused(error.code, error.message, method=method.name) from None


async def read_pages(client: Client, method: Method, paging: Paging) -> AsyncGenerator[tuple[Listing, list[int]], None]:
    """The pages of a list, each with the places of the rows that are new. How it ended, `paging` knows.

    A later page that Flickr refuses ends the list; a first one raises, as `make_call` does.
    """
    while paging.ask is not None:
        query = build_query(method.name, paging.ask)
        try:
            listing = await client.call(query, read_listing, method.name)
        except Refused as error:
            named = Refused(error.code, error.message, method=method.name)
            if paging.page == 1:
                raise named from None
            paging.refuse(str(named))
            return
        yield listing, paging.take(listing)
