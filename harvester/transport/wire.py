"""One connection, made by aiohttp's connector and read by httptools: what is sent over it, and what comes back.

A connection brings one answer to one request, and then perhaps the next. An answer of HTTP/1.1 does not say which
request it answers: one that comes twice, late or unasked would be taken for the answer to the next request. So a wire
tells of all that comes besides: behind an answer, and while nothing was asked. Before it is used again, its socket is
asked for bytes that the event loop has not read yet.

A wire that is asked one thing alone (`Connection: close`) is read to its end: one request, one answer, and then the
server hangs up (RFC 9112, 9.6). That proves whose an answer is that does not say so itself.

aiohttp's own parser and streams are built for all that HTTP can do. They took a third of the time of a whole call.
"""

from __future__ import annotations

import asyncio
import select
import time
from collections.abc import Callable
from contextlib import suppress
from typing import cast

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser
from multidict import CIMultiDict

from harvester.transport.bodies import LIMIT, too_large, unpack

_FAREWELL = b" 408 "
"""The status that some servers send before they hang up on an idle connection (HAProxy, AWS). It answers nothing."""
_LONGEST_HEAD = 1 << 16
_PACKED = frozenset({b"gzip", b"deflate"})
_BEFORE_THE_ANSWER = 200
"""Statuses below it are none of an answer (100 Continue, 103 Early Hints): the answer follows."""


# Many attributes: the state of one answer, which the callbacks of the parser and of the event loop change.
class Wire(asyncio.Protocol):
    """One connection. `ask` sends a request; what it returns is awaited until the answer has begun.

    It belongs to aiohttp's connector, which closes it at the latest when the connector is closed.
    """

    def __init__(self, connection: Connection, tell: Callable[[], None], *, is_alone: bool) -> None:
        """`tell` is called for bytes that nobody asked for."""
        self._connection = connection
        self._handler = cast("ResponseHandler", connection.protocol)
        self._transport = cast("asyncio.Transport", connection.transport)
        self._loop = asyncio.get_running_loop()
        self._tell = tell
        self.is_alone = is_alone
        """Whether it is asked one thing alone."""
        self.is_open = True
        self.met = self._handler.should_close
        """Whether bytes came that were not asked for."""
        self.status = 0
        self.received = 0
        """Bytes of the answer that have come by now, head included."""
        self.is_complete = True
        """Whether the answer is there to its end. True, too, while nothing is asked."""
        self.kept_since = 0.0
        self._has_head = False
        self._may_follow = False
        """Whether the server lets another request follow."""
        self._waits_for_end = False
        self._waiter: asyncio.Future[None] | None = None
        self._error: Exception | None = None
        self._headers: dict[bytes, bytes] = {}
        self._parts: list[bytes] = []
        self.on_header = self._headers.__setitem__
        self.on_body = self._parts.append
        self._parser = HttpResponseParser(self)
        # What aiohttp forgives, too.
        self._parser.set_dangerous_leniencies(
            lenient_headers=True, lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True
        )
        self._transport.set_protocol(self)
        self.has_unread = _build_check(self._transport)
        """Whether bytes, or the end of the connection, wait in the socket."""

    @property
    def headers(self) -> CIMultiDict[str]:
        """The headers of the answer."""
        return CIMultiDict((name.decode("latin-1"), v.decode("latin-1")) for name, v in self._headers.items())

    def may_be_new(self) -> bool:
        """Whether nothing has come over a connection that was just made.

        The socket of one over TLS is not asked: bytes in it belong to TLS itself.
        """
        is_plain = self._transport.get_extra_info("sslcontext") is None
        return self.is_open and not self.met and not (is_plain and self.has_unread())

    def may_go_on(self, *, edge: float) -> bool:
        """Whether another request may follow: the wire has been kept since `edge`, and nothing has come over it."""
        return self.is_open and self.kept_since >= edge and not self.has_unread()

    def ask(self, request: bytes) -> asyncio.Future[None]:
        """Send a request. What is returned ends when the answer's head is there, or all of it.

        It raises aiohttp.ClientError or OSError where no answer comes, TryLater where it is too large.
        """
        self._headers.clear()
        self._parts.clear()
        self._has_head = self._waits_for_end = self.is_complete = False
        self.received = 0
        self._transport.write(request)
        self._waiter = waiter = self._loop.create_future()
        return waiter

    def finish(self) -> asyncio.Future[None]:
        """Await it for the rest of an answer that has begun. It raises what `ask` does."""
        self._waits_for_end = True
        waiter = self._wait()
        if self._error is not None:
            waiter.set_exception(self._error)
        return waiter

    def take(self) -> bytes:
        """The body of an answer that is complete, unpacked. TryLater where it cannot be."""
        body = b"".join(self._parts)
        self._parts.clear()
        return unpack(body) if body and self._find(b"content-encoding").lower() in _PACKED else body

    def keep(self) -> bool:
        """Whether the wire is ready for another request."""
        self.kept_since = time.monotonic()
        return self.is_open and not self.met and self._may_follow

    async def meets_more(self, *, seconds: float) -> bool | None:
        """Whether more comes behind the answer, until the server hangs up. None where it does neither."""
        if self.is_open and not self.met:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._wait()
        return True if self.met else None if self.is_open else False

    def close(self) -> None:
        """Hang up. Whatever comes from now on reaches nobody, nor does what was not taken of the answer."""
        self.is_open = False
        self._connection.close()
        self._parts.clear()  # a closed wire waits for the garbage collector, and up to 64 MB need not

    # -- what the event loop tells

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        if self.is_complete:
            self._meet(data)
            return
        self.received += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            self._refuse()
        if self.is_complete or (self._has_head and not self._waits_for_end):
            self._wake()
        if self.received > (LIMIT if self._has_head else _LONGEST_HEAD) and not self.is_complete:
            self._fail(too_large(LIMIT) if self._has_head else aiohttp.ClientPayloadError("a head without end"))

    def _refuse(self) -> None:
        """What came is no HTTP: the answer, or what stands behind it."""
        if self.is_complete:
            self.met = True
        else:
            self._fail(aiohttp.ClientPayloadError("no answer of HTTP"))

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""
        self.is_open = False
        self._handler.connection_lost(exc)
        self._connection.close()
        if self.is_complete:
            self._wake()
        elif exc is None and self._has_head and self._ends_with_connection():
            self.is_complete = True
            self._wake()
        elif isinstance(exc, OSError):
            self._fail(aiohttp.ClientOSError(*exc.args))
        else:
            self._fail(aiohttp.ClientPayloadError() if self.received else aiohttp.ServerDisconnectedError())

    # -- what the parser tells; `on_header` and `on_body` are methods of a dict and a list, which cost no call of Python

    def on_message_begin(self) -> None:
        """An answer begins."""
        self.met = self.met or self.is_complete

    def on_headers_complete(self) -> None:
        """The head is there."""
        self.status = self._parser.get_status_code()
        self._has_head = self.status >= _BEFORE_THE_ANSWER

    def on_message_complete(self) -> None:
        """The answer is there, or what came before it."""
        if self._has_head:
            self.is_complete = True
            self._may_follow = self._parser.should_keep_alive()  # which it knows at this moment only
        else:
            self._headers.clear()

    def _find(self, name: bytes) -> bytes:
        """A header's value; servers write the names of headers in small letters, in capitals, or in both."""
        size = len(name)
        for each, value in self._headers.items():
            if len(each) == size and each.lower() == name:
                return value
        return b""

    def _ends_with_connection(self) -> bool:
        """Whether the answer ends where its connection does, since it tells no other end."""
        return not self._find(b"content-length") and b"chunked" not in self._find(b"transfer-encoding").lower()

    def _meet(self, data: bytes) -> None:
        """Bytes have come that nobody has asked for."""
        self.met, self.is_open = True, False
        if _FAREWELL not in data[:16]:
            self._tell()
        self._transport.abort()
        self._wake()

    # -- who waits

    def _wait(self) -> asyncio.Future[None]:
        self._waiter = waiter = self._loop.create_future()
        return waiter

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _fail(self, error: Exception) -> None:
        self._error = self._error or error
        self.close()
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_exception(self._error)


def _build_check(transport: asyncio.Transport) -> Callable[[], bool]:
    socket = transport.get_extra_info("socket")
    number = -1 if socket is None else socket.fileno()
    if number < 0:
        return lambda: True
    if not hasattr(select, "poll"):  # Windows
        return lambda: bool(select.select([number], [], [], 0)[0])
    poll = select.poll()
    poll.register(number, select.POLLIN)
    return lambda: bool(poll.poll(0))
