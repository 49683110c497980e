"""Calls from Python. Between two calls nothing is open, so a loop over pages can be left at any time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from functools import partial
from typing import Any, Generic, TypeVar

from harvester.config.settings import Settings
from harvester.errors import Incomplete, Stopped
from harvester.events import Noticed, Observer, Tally
from harvester.flickr.method_list import Method, find_method
from harvester.python.progress import guard
from harvester.python.running import RunningTasks, find_loop
from harvester.transport.calls.arguments import Argument, check_allowed, write_values
from harvester.transport.calls.paging import Paging
from harvester.transport.calls.run import ask_page, make_call, read_pages
from harvester.transport.client import Client
from harvester.transport.opening import open_client
from harvester.transport.server_clock import ServerClock, tell_skew

T = TypeVar("T")


class Calls:
    """What makes the calls of a client."""

    def __init__(self, settings: Settings, observer: Observer, under_way: RunningTasks) -> None:
        self._settings = settings
        self._observer = guard(observer)
        self._under_way = under_way
        self._clock = ServerClock(on_skew=lambda seconds: self._observer(Noticed(sentence=tell_skew(seconds))))
        """Flickr's clock, by which calls are signed; it is found out once."""

    async def call(self, name: str, values: Mapping[str, Argument], *, write: bool, unlisted: bool) -> dict[str, Any]:
        """One answer, whole."""
        method = find_method(name, unlisted=unlisted, write=write)
        arguments = self._check(method, values, write=write)
        answer = await self._make(partial(make_call, method=method, arguments=arguments))
        return answer.members

    def pages(
        self, name: str, values: Mapping[str, Argument], *, unlisted: bool, allow_incomplete: bool
    ) -> AsyncIterator[dict[str, Any]]:
        """The rows of a list."""
        method = find_method(name, unlisted=unlisted)
        paging = Paging(method, self._check(method, values, write=False))
        return self._read(method, paging, allow_incomplete=allow_incomplete)

    def _check(self, method: Method, values: Mapping[str, Argument], *, write: bool) -> dict[str, str]:
        check_allowed(method, write=write, signs=self._settings.has_login, perms=None)
        return write_values(values)

    async def _read(self, method: Method, paging: Paging, *, allow_incomplete: bool) -> AsyncIterator[dict[str, Any]]:
        async def ask(arguments: Mapping[str, str]) -> Any:
            return await self._make(partial(ask_page, method=method, arguments=arguments))

        async for listing, new in read_pages(ask, paging):
            for place in new:
                yield listing.rows[place]
        if not (paging.is_complete or allow_incomplete):
            raise Incomplete(f"{paging.shortage} To take what there is, pass allow_incomplete=True.")
        if paging.shortage:
            self._observer(Noticed(sentence=paging.shortage))

    async def _make(self, act: Callable[[Client], Coroutine[Any, Any, T]]) -> T:
        return await self._under_way.begin(lambda: Calling(self._open_and(act))).wait()

    async def _open_and(self, act: Callable[[Client], Awaitable[T]]) -> T:
        opened = open_client(
            self._settings, tally=Tally(), observer=self._observer, sleep=asyncio.sleep, server_clock=self._clock
        )
        async with opened as client:
            return await act(client)


class Calling(Generic[T]):
    """A call under way."""

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:
        self.task = find_loop().create_task(work)
        self._is_ended = False

    async def wait(self) -> T:
        """Wait for the result; cancelled, the call is cut off. Stopped where the client's block was left meanwhile."""
        try:
            return await self.task
        except asyncio.CancelledError:
            if self._is_ended:
                raise Stopped("The client's block was left before this call was answered.") from None
            raise

    async def end(self) -> None:
        """Cut the call off and wait until it has ended."""
        self._is_ended = True
        self.task.cancel()
        await asyncio.wait({self.task})
