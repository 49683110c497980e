"""Connections that are kept for the next call: only those on which nothing stands that was not asked for.

An answer of HTTP/1.1 does not say which request it answers. An answer that comes twice, late or unasked would be taken
for the answer to the next request on its connection. So a connection is kept only when its parser stands at the end
of one answer. Bytes that arrive while it lies idle end it. Before it is used again, its socket is asked for bytes
that the event loop has not read yet.

A connection that is asked one thing alone (`Connection: close`) is read to its end: one request, one answer, and then
the server hangs up (RFC 9112, 9.6). That proves whose an answer is that does not say so itself.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable
from contextlib import suppress
from typing import cast

from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import RawResponseMessage

_FAREWELL = b" 408 "
"""The status that some servers send before they hang up on an idle connection (HAProxy, AWS). It answers nothing."""


class Guard:
    """Stands in for aiohttp's parser while nothing is to come over a connection: whatever comes ends it."""

    def __init__(self, transport: asyncio.Transport, tell: Callable[[], None]) -> None:
        """`tell` is called for bytes that nobody asked for."""
        self.transport = transport
        self.has_unread = _build_check(transport)
        """Whether bytes, or the end of the connection, wait in the socket."""
        self.met: bool | None = None
        """True once bytes have come, false once the connection has ended without any."""
        self.done: asyncio.Future[None] | None = None
        """Set by who waits for `met`."""
        self._tell = tell

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Bytes have come. The result is aiohttp's: to be read no further, and what is left."""
        if _FAREWELL not in data[:16]:
            self._tell()
        self._conclude(met=True)
        self.transport.abort()
        return True, b""

    def feed_eof(self) -> None:
        """The connection has ended."""
        self._conclude(met=False)

    def _conclude(self, *, met: bool) -> None:
        self.met = self.met or met
        if self.done is not None and not self.done.done():
            self.done.set_result(None)


def find_guard(connection: Connection) -> Guard | None:
    """The guard of a connection that lay idle after an earlier call, None for a new one."""
    guard = cast("object", cast("ResponseHandler", connection.protocol)._payload_parser)  # noqa: SLF001
    return guard if isinstance(guard, Guard) else None


def wake(connection: Connection, tell: Callable[[], None]) -> Guard | None:
    """The guard of a connection that was just taken; None where something has arrived on it: no request may follow.

    A new connection over TLS is not asked for bytes in its socket: those belong to TLS itself.
    """
    protocol = cast("ResponseHandler", connection.protocol)
    transport = connection.transport
    if transport is None or transport.is_closing():
        return None
    guard = cast("Guard | None", protocol._payload_parser)  # noqa: SLF001
    if guard is not None:
        if guard.has_unread():
            return None
        protocol._payload_parser = None  # noqa: SLF001
        return guard
    guard = Guard(transport, tell)
    may_have = transport.get_extra_info("sslcontext") is None
    return None if protocol.should_close or (may_have and guard.has_unread()) else guard


def has_early(connection: Connection) -> bool:
    """Whether bytes came over a new connection before anything was asked."""
    return bool(cast("ResponseHandler", connection.protocol)._tail)  # noqa: SLF001


def keep(connection: Connection, guard: Guard) -> bool:
    """Give a connection back for the next call. False, and it is closed, where something stands behind the answer."""
    protocol = cast("ResponseHandler", connection.protocol)
    if not _is_at_end(protocol):
        connection.close()
        return False
    connection.release()
    if protocol.transport is not None:  # the connector has not closed it
        protocol._payload_parser = guard  # type: ignore[assignment]  # noqa: SLF001
    return True


async def meets_more(connection: Connection, guard: Guard, *, seconds: float) -> bool | None:
    """Whether more comes behind the answer that was read, until the server hangs up. None where it does neither."""
    protocol = cast("ResponseHandler", connection.protocol)
    if not _is_at_end(protocol):
        return True
    if protocol.transport is None:
        return False
    guard.done = asyncio.get_running_loop().create_future()
    protocol.set_parser(guard, None)
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await guard.done
    return guard.met


def _is_at_end(protocol: ResponseHandler) -> bool:
    """Whether nothing has been taken in behind the answer that was read: no other answer, nor the beginning of one.

    The parser of aiohttp in Python, which is used where the one in C was not built, keeps bytes in `_tail` and
    `_lines`. The one in C tells by an exception, or by what it makes of them, that it stands within a head.
    """
    if protocol._buffer or protocol._tail:  # noqa: SLF001
        return False
    error = protocol.exception()
    if error is not None:  # the connection has ended, and its parser is gone
        begun = isinstance(getattr(error, "message", None), RawResponseMessage)
        return not begun and not isinstance(error, HttpProcessingError)
    parser = protocol._parser  # noqa: SLF001
    if parser is None:
        return True
    if getattr(parser, "_tail", None) or getattr(parser, "_lines", None):
        return False
    try:
        return parser.feed_eof() is None
    except Exception:  # noqa: BLE001 - whatever it raises about half a head
        return False


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
