"""One call's way over a kept connection: aiohttp's connector, without its session.

A session takes each request apart and puts it together anew (address, cookies, headers, redirects, middleware),
which costs more than all else that a call costs; calls to one address differ in nothing but their query. And it
sends a GET again by itself when a kept connection breaks: a call that no quota has granted. Here a request is sent
once, as it is given.

No answer is taken for another question's. A call is spent on that only where an answer does not say whose it is:

- An answer with anything behind it on its connection is an error, and the call is made again.
- A connection is kept only after an answer in which the caller's `mark` stands, such as the photo's id. So whatever
  comes twice or late over it names what it is about, and the reader of the next answer sees that it is another's.
- What answers do not name (listings, contexts, people) is asked `alone`, over a new connection that is read until the
  server hangs up. One request and one answer are all that this connection has seen.
- A refusal, or sizes without addresses, may come to a call that was not asked alone. Such an answer is not believed:
  the call is asked again, alone. A method of which that is often so is asked alone at once.
- Once anything came that was not asked for, each further call is asked alone.

HTTP/1.1 cannot tell of a server that gives two clients' whole connections each the other's only answer.
"""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from http.client import OK

import aiohttp
from yarl import URL

from harvester import timers
from harvester.about import __version__
from harvester.flickr.forms import FORM, split_long
from harvester.transport.proxies import Proxy
from harvester.transport.unnamed_answers import UnnamedAnswers
from harvester.transport.unreached import blame_proxy
from harvester.transport.wire import Wire

USER_AGENT = f"flickr-harvester/{__version__} (aiohttp/{aiohttp.__version__})"
_FADES = 0.95
_PATIENCE = 4
"""How many times what its first answer took a server is given to hang up behind it."""
_HEADERS = f"User-Agent: {USER_AGENT}\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate\r\n"


class StrayAnswer(aiohttp.ClientPayloadError):
    """More came over a connection than one answer, so that nothing tells which of it is the answer."""

    def __init__(self) -> None:
        super().__init__("more came than the answer to what was asked")


class UnnamedAnswer(Exception):
    """An answer in which the mark of its call does not stand."""

    def __init__(self, body: bytes, *, alone: bool) -> None:
        super().__init__()
        self.body = body
        self.alone = alone
        """Whether the call was asked alone, so that this is its answer."""


# Many attributes: what all requests share is put together once, not for each call.
class Connections:
    """What all calls of a client share: the address that they begin with, and the connections to its host."""

    def __init__(
        self,
        prefix: str,
        connector: aiohttp.BaseConnector,
        *,
        proxy: Proxy | None = None,
        may_send: Callable[[], bool] | None = None,
    ) -> None:
        """`prefix` is what the address of each call begins with, up to its query or into it.

        `may_send` is asked just before a call is sent, once there is a connection for it.
        """
        self._may_send = may_send
        address, mark, query = prefix.partition("?")
        url = URL(address)
        self.origin = url.origin()
        self._connector = connector
        self._kept: list[Wire] = []
        """Connections that wait for the next call; the one that was used last is the first to be used again."""
        self._hangs_up: bool | None = None
        """Whether the server closes connections when it is asked to; None until that was seen."""
        self._usual = 0.0
        """Seconds in which answers of calls asked alone have begun of late; the slowest counts, less and less."""
        self._unnamed: UnnamedAnswers | None = None
        self.met_stray = False
        """Whether bytes came that nothing had asked for: from then on each call is asked alone."""
        self.proxy = proxy
        self._to = _address(self.origin, proxy)
        is_relayed = proxy is not None and url.scheme == "http"  # to others a proxy opens a tunnel (CONNECT)
        self._prefix = f"{self.origin if is_relayed else ''}{url.raw_path or '/'}{mark}{query}"
        login = f"Authorization: Basic {_encode(url)}\r\n" if url.user else ""
        if is_relayed and proxy and proxy.auth:
            login += f"Proxy-Authorization: {proxy.auth}\r\n"
        self._end = f" HTTP/1.1\r\nHost: {url.host_port_subcomponent}\r\n{_HEADERS}{login}"
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=timers.CONNECT_SECONDS)

    def __repr__(self) -> str:
        return f"<Connections to {self.origin}{', which sent stray bytes' if self.met_stray else ''}>"

    def note_stray(self) -> None:
        """Something came that was not asked for: no answer of this server is believed for the order it comes in."""
        self.met_stray = True

    def note_unnamed(self, query: str) -> None:
        """The answer to a call that might have been asked together with others did not say whose it is."""
        self._unnamed = self._unnamed or UnnamedAnswers()
        self._unnamed.note(query)

    async def get(
        self, query: str, headers: Mapping[str, str] | None = None, *, alone: bool = False, post: bool = False
    ) -> Wire:
        """Ask what the prefix and `query` (percent-encoded) say together, once; returns when the answer has begun.

        A long query is sent as a form, and any with `post`. A call that is asked `alone` has a connection of its own.

        Raises ProxyFailed, and what aiohttp does: ClientConnectorError before anything was sent, TimeoutError where no
        connection comes about while the call may be sent; other ClientErrors and OSErrors where it may have arrived.
        """
        alone = alone or self.met_stray or (self._unnamed is not None and self._unnamed.prefer_alone(query))
        request = self._build_request(query, headers, alone=alone, post=post)
        wire = None if alone else self._find_kept()
        if wire is None:
            wire = await self._connect(alone=alone)
        if self._may_send is not None and not self._may_send():
            wire.close()
            raise TimeoutError
        began = time.monotonic() if alone else 0.0
        try:
            await wire.ask(request)
        except BaseException:
            wire.close()
            raise
        if alone:
            self._usual = min(max(time.monotonic() - began, self._usual * _FADES), timers.END_SECONDS)
        return wire

    def _build_request(self, query: str, headers: Mapping[str, str] | None, *, alone: bool, post: bool) -> bytes:
        target, form = split_long(self._prefix, query, post=post)
        more = "".join([f"{name}: {value}\r\n" for name, value in headers.items()]) if headers else ""
        if alone:
            more += "Connection: close\r\n"
        if form:
            more += f"Content-Type: {FORM}\r\nContent-Length: {len(form)}\r\n"
        return f"{'POST' if form else 'GET'} {target}{self._end}{more}\r\n{form}".encode("ascii")

    async def read(self, wire: Wire, mark: bytes = b"") -> bytes:
        """The whole body of an answer, unpacked. The wire of a call that was not asked alone serves the next call.

        Raises aiohttp.ClientError where the answer breaks off, TryLater where it is too large, StrayAnswer where
        something else came with it, and UnnamedAnswer where `mark` does not stand in it.
        """
        try:
            if not wire.is_complete:
                await wire.finish()
            body = wire.take()
            if wire.is_alone and wire.status == OK:
                await self._read_on(wire)
        except BaseException:
            wire.close()
            raise
        if wire.status == OK and not wire.is_alone and mark in body and wire.keep():
            self._kept.append(wire)
            return body
        wire.close()
        if wire.status == OK:
            self._check_whose(wire, body, mark)
        return body

    def _check_whose(self, wire: Wire, body: bytes, mark: bytes) -> None:
        """StrayAnswer or UnnamedAnswer for a body that cannot be believed."""
        if wire.met and (wire.is_alone or mark in body):
            self.note_stray()
            raise StrayAnswer
        if mark not in body:
            raise UnnamedAnswer(body, alone=wire.is_alone)

    def _find_kept(self) -> Wire | None:
        """The connection that was used last, if another request may follow on it."""
        kept = self._kept
        return kept.pop() if kept and kept[-1].may_go_on(edge=time.monotonic() - timers.KEPT_SECONDS) else None

    async def _connect(self, *, alone: bool) -> Wire:
        """A connection that nothing has arrived on; a new one for a call that is asked alone."""
        while self._kept and not alone:
            if (wire := self._find_kept()) is not None:
                return wire
            await _let_arrive(self._kept.pop())
        try:
            connection = await self._connector.connect(self._to, traces=[], timeout=self._timeout)
        except (aiohttp.ClientError, OSError) as error:
            raise error if self.proxy is None else blame_proxy(error, self.proxy) from None
        if connection.closed:
            connection.close()
            raise aiohttp.ServerDisconnectedError
        wire = Wire(connection, self.note_stray, is_alone=alone)
        if wire.may_be_new():
            return wire
        await _let_arrive(wire)
        if wire.met:
            self.note_stray()
            raise StrayAnswer
        raise aiohttp.ServerDisconnectedError

    async def _read_on(self, wire: Wire) -> None:
        """See whether anything comes behind the answer to a call that was asked alone.

        The server is given time to hang up: at first a few times what its answer took. One that was seen not to is
        given the time that such answers have usually taken: if this was not the answer to its request, then the answer
        comes within it.
        """
        if self._hangs_up is None:
            seconds = min(max(timers.FIRST_END_SECONDS, _PATIENCE * self._usual), timers.END_SECONDS)
        else:
            seconds = timers.END_SECONDS if self._hangs_up else self._usual
        met = await wire.meets_more(seconds=seconds)
        self._hangs_up = self._hangs_up is not False and met is not None


async def _let_arrive(wire: Wire) -> None:
    """Hang up once the event loop has read what has arrived: bytes, or an end."""
    try:
        for _ in range(2):
            await asyncio.sleep(0)
    finally:
        wire.close()


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
