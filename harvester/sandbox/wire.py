"""HTTP/1.1 for the sandbox: requests in, answers out, each within bounds."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from typing import Protocol, cast
from urllib.parse import urlsplit

import httptools

REASONS = {
    200: "OK",
    302: "Found",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    413: "Content Too Large",
    414: "Request-URI Too Large",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Unavailable",
}
HTML, JSON, TEXT = "text/html", "application/json", "text/plain; charset=utf-8"
LONGEST_TARGET = 8_192
"""Bytes of an address: CloudFront, which stands before Flickr, refuses longer ones with 414."""
LONGEST_HEAD = 65_536
LONGEST_BODY = 1_048_576
_LINGER = 5.0
"""Seconds for a refused client to read the answer."""
_KEPT = (b"accept-encoding", b"authorization", b"content-length", b"host", b"origin")


@dataclass(frozen=True, slots=True)
class Request:
    """A whole request. The names of its headers are in lower case."""

    verb: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """What stands behind the question mark."""
        return self.target.partition("?")[2]


@dataclass(frozen=True, slots=True)
class Reply:
    """The bytes of an answer. None breaks the connection at once, and `cut` after so many bytes; b"" is silence."""

    answer: bytes | None
    cut: int = 0
    after: float = 0.0
    """Seconds to wait before it is sent."""


class Handler(Protocol):
    """What answers."""

    connections: set[asyncio.Transport]

    def reply(self, request: Request) -> Reply:
        """The answer to a request."""


def frame(status: int, body: bytes, *, kind: str = JSON, more: str = "") -> bytes:
    """A whole HTTP answer."""
    head = f"HTTP/1.1 {status} {REASONS[status]}\r\nContent-Type: {kind}\r\n"
    return f"{head}{more}Content-Length: {len(body)}\r\n\r\n".encode() + body


@lru_cache(8)
def _date_line(second: int) -> bytes:
    return f"\r\nDate: {formatdate(second, usegmt=True)}\r\n".encode()


def stamp(answer: bytes, now: float) -> bytes:
    """The answer with its Date header, which every answer of Flickr carries."""
    return answer.replace(b"\r\n", _date_line(int(now)), 1)


def compress(answer: bytes) -> bytes:
    """The answer with its body gzipped."""
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.startswith(b"Content-Length")]
    packed = gzip.compress(body, 1)
    lines += [b"Content-Encoding: gzip", b"Content-Length: %d" % len(packed)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + packed


# Many attributes: a parser calls back for each piece of a request, which is kept until it is whole.
class _Connection(asyncio.Protocol):
    """One client. httptools calls the `on_` methods."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._target = b""
        self._body = bytearray()
        self._headers: dict[str, str] = {}
        self._head_size = 0
        self._in_head = True
        self._refused = False
        self._stays = True
        """Whether the client wants the connection kept."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        self._handler.connections.add(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if self._transport:
            self._handler.connections.discard(self._transport)
        self._transport = None

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError:
            self._refuse(500)
        except httptools.HttpParserError:
            self._refuse(400)
        self._head_size = self._head_size + len(data) if self._in_head else 0
        if self._head_size > LONGEST_HEAD:
            self._refuse(431)

    def on_message_begin(self) -> None:
        self._target, self._headers, self._in_head = b"", {}, True
        self._body.clear()

    def on_url(self, url: bytes) -> None:
        """Called for each piece, where an address comes in several packets."""
        self._target += url
        if len(self._target) > LONGEST_TARGET:
            self._refuse(414)

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() in _KEPT:
            self._headers[name.lower().decode()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._in_head = False
        if int(self._headers.get("content-length", 0)) > LONGEST_BODY:
            self._refuse(413)

    def on_body(self, body: bytes) -> None:
        if not self._refused:
            self._body += body
        if len(self._body) > LONGEST_BODY:
            self._refuse(413)

    def on_message_complete(self) -> None:
        if self._refused:
            return
        target = self._target.decode("latin-1")
        if target.startswith("http://"):  # a proxy's form of it
            parts = urlsplit(target)
            target = f"{parts.path or '/'}?{parts.query}"
        request = Request(self._parser.get_method().decode(), target, self._headers, bytes(self._body))
        self._stays = self._parser.should_keep_alive()
        reply = self._handler.reply(request)
        if reply.after:
            asyncio.get_running_loop().call_later(reply.after, self._send, reply)
        else:
            self._send(reply)

    def _refuse(self, status: int) -> None:
        """Answers a request that is out of bounds. The rest of it is read and dropped, so that the answer arrives."""
        if self._refused or self._transport is None:
            return
        self._refused = True
        body = f"<html><body><h1>{status} {REASONS[status]}</h1></body></html>".encode()
        self._transport.write(frame(status, body, kind=HTML, more="Connection: close\r\n"))
        self._transport.write_eof()
        asyncio.get_running_loop().call_later(_LINGER, self._transport.abort)

    def _send(self, reply: Reply) -> None:
        if self._transport is None:
            return
        if reply.answer is None:
            self._transport.abort()
        elif reply.cut:
            self._transport.write(reply.answer[: reply.cut])
            self._transport.close()
        else:
            self._transport.write(reply.answer)
            if reply.answer and not self._stays:
                self._transport.close()


def connect(handler: Handler) -> asyncio.Protocol:
    """The protocol of one client."""
    return _Connection(handler)
