"""Makes the calls: one, or one for each page of a list."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import TypeAlias

from harvester.errors import Refused
from harvester.flickr.method_list import Method
from harvester.flickr.methods import build_query
from harvester.transport.calls.answer import Answer, Listing, read_answer, read_listing
from harvester.transport.calls.paging import Paging
from harvester.transport.client import Client

Ask: TypeAlias = Callable[[Mapping[str, str]], Awaitable[Listing]]
"""Asks for the page that the arguments name."""


async def make_call(client: Client, method: Method, arguments: Mapping[str, str]) -> Answer:
    """Make one call and return its answer. A call of a method that writes is never repeated.

    Raises Refused with the method's name, and what `Client.call` does besides.
    """
    query = build_query(method.name, arguments)
    try:
        return await client.call(query, read_answer, method.name, once=method.writes)
    except Refused as error:
        raise Refused(error.code, error.message, method=method.name) from None


async def ask_page(client: Client, method: Method, arguments: Mapping[str, str]) -> Listing:
    """One page of a list; the errors of `make_call`, and UsageError where the answer is no list."""
    try:
        return await client.call(build_query(method.name, arguments), read_listing, method.name)
    except Refused as error:
        raise Refused(error.code, error.message, method=method.name) from None


async def read_pages(ask: Ask, paging: Paging) -> AsyncGenerator[tuple[Listing, list[int]], None]:
    """The pages of a list, each with the places of the rows that are new. How it ended, `paging` knows.

    A later page that Flickr refuses ends the list; a first one raises.
    """
    while paging.ask is not None:
        try:
            listing = await ask(paging.ask)
        except Refused as error:
            if paging.page == 1:
                raise
            paging.refuse(str(error))
            return
        yield listing, paging.take(listing)
