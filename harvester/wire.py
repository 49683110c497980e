"""One call's way over a kept connection: aiohttp's connector, connections and parser, without its session.

A session takes each request apart and puts it together anew (address, cookies, headers, redirects, middleware),
which costs more than all else that a call costs; calls to one address differ in nothing but their query. And it
sends a GET again by itself when a kept connection breaks: a call that no quota has granted. Here a request is sent
once, as it is given.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Mapping
from typing import cast

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import RawResponseMessage
from yarl import URL

from harvester import __version__
from harvester.bodies import read_body
from harvester.forms import FORM, split_long
from harvester.proxies import Proxy
from harvester.unreached import blame_proxy

USER_AGENT = f"flickr-harvester/{__version__} (aiohttp/{aiohttp.__version__})"
CONNECT_SECONDS = 15
_HEADERS = f"User-Agent: {USER_AGENT}\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate\r\n"


class Reply:
    """An answer that has begun: its head is there, `body` may still be coming."""

    def __init__(
        self, connection: aiohttp.connector.Connection, head: RawResponseMessage, body: aiohttp.StreamReader
    ) -> None:
        self.status = head.code
        self.headers: Mapping[str, str] = head.headers
        self.body = body
        self._encoding = head.compression
        self._connection = connection

    async def read(self) -> bytes:
        """The whole body, unpacked. aiohttp.ClientError where it breaks off, TryLater where it is too large."""
        try:
            body = await read_body(self.body, encoding=self._encoding)
        except BaseException:
            self._connection.close()
            raise
        self._connection.release()
        return body


class Wire:
    """What all calls of a client share: the address that they begin with, and the connections to its host."""

    def __init__(self, prefix: str, connector: aiohttp.BaseConnector, *, proxy: Proxy | None = None) -> None:
        """`prefix` is what the address of each call begins with, up to its query or into it."""
        address, mark, query = prefix.partition("?")
        url = URL(address)
        self.origin = url.origin()
        self._connector = connector
        self.proxy = proxy
        self._to = _address(self.origin, proxy)
        is_relayed = proxy is not None and url.scheme == "http"  # to others a proxy opens a tunnel (CONNECT)
        self._prefix = f"{self.origin if is_relayed else ''}{url.raw_path or '/'}{mark}{query}"
        login = f"Authorization: Basic {_encode(url)}\r\n" if url.user else ""
        if is_relayed and proxy and proxy.auth:
            login += f"Proxy-Authorization: {proxy.auth}\r\n"
        self._end = f" HTTP/1.1\r\nHost: {url.host_port_subcomponent}\r\n{_HEADERS}{login}"
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)

    def __repr__(self) -> str:
        return f"<Wire to {self.origin}>"

    async def get(self, query: str, headers: Mapping[str, str] | None = None) -> Reply:
        """Ask what the prefix and `query` (percent-encoded) say together, once; returns when the answer has begun.

        A long query is sent as a form.

        Raises ProxyFailed, and what aiohttp does: ClientConnectorError before anything was sent, TimeoutError where no
        connection comes about, other ClientErrors and OSErrors where the call may have arrived.
        """
        more = "".join([f"{name}: {value}\r\n" for name, value in headers.items()]) if headers else ""
        target, form = split_long(self._prefix, query)
        if form:
            more += f"Content-Type: {FORM}\r\nContent-Length: {len(form)}\r\n"
        request = f"{'POST' if form else 'GET'} {target}{self._end}{more}\r\n{form}".encode("ascii")
        try:
            connection = await self._connector.connect(self._to, traces=[], timeout=self._timeout)
        except (aiohttp.ClientError, OSError) as error:
            raise error if self.proxy is None else blame_proxy(error, self.proxy) from None
        try:
            protocol = cast("ResponseHandler", connection.protocol)
            protocol.set_response_params(read_until_eof=True, auto_decompress=False)
            cast("asyncio.Transport", connection.transport).write(request)
            head, body = await protocol.read()
            while head.code in (100, 102, 103):  # of which none is the answer
                head, body = await protocol.read()
        except BaseException as error:
            connection.close()
            if isinstance(error, HttpProcessingError):
                raise aiohttp.ClientPayloadError("no answer of HTTP") from None
            raise
        return Reply(connection, head, body)


def _address(origin: URL, proxy: Proxy | None) -> aiohttp.ClientRequest:
    """What the connector needs to know of a call. It tells connections apart by this, so the headers do not change."""
    loop = asyncio.get_running_loop()
    if proxy is None:
        return aiohttp.ClientRequest("GET", origin, loop=loop)
    headers = {"Host": origin.host_port_subcomponent or ""}
    if proxy.auth:
        headers["Proxy-Authorization"] = proxy.auth
    return aiohttp.ClientRequest("GET", origin, loop=loop, proxy=proxy.url, proxy_headers=headers)


def _encode(url: URL) -> str:
    return b64encode(f"{url.user}:{url.password or ''}".encode()).decode()
