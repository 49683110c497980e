"""The HTTP side: lean, since it must answer faster than any client asks."""

from __future__ import annotations

import asyncio
import time
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import parse_qsl

import orjson

from .catalogue import Catalogue, CatalogueOptions
from .faults import Faults
from .guard import is_trusted
from .methods import Api
from .oauth import Authority, Refusal, Signed, read_header
from .search import CALLER, PERMS, Failure
from .wire import HTML, TEXT, Reply, Request, compress, connect, frame, stamp

TOO_MANY = (
    b"<html><body><h1>429 Too Many Requests</h1>\n"
    b"You have sent too many requests in a given amount of time.\n</body></html>\n"
)
STRANGER = b"Only programs on this machine may ask this.\n"
_STEPS = ("request_token", "authorize", "access_token")
_OAUTH = "/services/oauth/"
NOT_NOW = "Sorry, the Flickr API service is not currently available."


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxOptions:
    """How the sandbox is to be. `latency` is in seconds; `rate` is calls and seconds, past which it answers 429."""

    port: int = 0
    """0 takes any free port."""
    catalogue: CatalogueOptions = field(default_factory=CatalogueOptions)
    faults: Faults = field(default_factory=Faults)
    latency: float = 0.0
    rate: tuple[int, float] | None = None
    gzip: bool = False
    clock: Callable[[], float] = time.time
    """Unix time as the server sees it: for the Date header, OAuth timestamps, changes and new uploads."""


class Stats:
    """What was asked: so that tests can prove what was sent, and how fast."""

    def __init__(self) -> None:
        self.arrivals = array("d")
        self.methods: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.keys: Counter[str] = Counter()

    @property
    def calls(self) -> int:
        """Calls that arrived."""
        return len(self.arrivals)

    def worst_window(self, period: float) -> int:
        """The most calls in any window of so many seconds, both ends included."""
        worst = first = 0
        for last, moment in enumerate(self.arrivals):
            while moment - self.arrivals[first] >= period:
                first += 1
            worst = max(worst, last - first + 1)
        return worst

    def describe(self, period: float | None) -> dict[str, object]:
        """All of it, as JSON."""
        window = {} if period is None else {"worst_window": self.worst_window(period)}
        return {"calls": self.calls, "methods": dict(self.methods), "faults": dict(self.faults), **window}


class Sandbox:
    """A running sandbox: its address, its catalogue, what was asked of it."""

    def __init__(self, options: SandboxOptions) -> None:
        self.options = options
        self.catalogue = Catalogue(options.catalogue, clock=options.clock)
        self.api = Api(self.catalogue, seed=options.catalogue.seed)
        self.api.faults = options.faults
        self.authority = Authority(self.catalogue.people, seed=options.catalogue.seed, clock=options.clock)
        self.stats = Stats()
        self.port = 0
        self.connections: set[asyncio.Transport] = set()
        self._rng = Random(f"faults {options.catalogue.seed}")

    @property
    def url(self) -> str:
        """The address that a client is to use as FLICKR_API_URL."""
        return f"http://127.0.0.1:{self.port}/services/rest/"

    @property
    def faults(self) -> Faults:
        """What goes wrong from now on."""
        return self.api.faults

    @faults.setter
    def faults(self, faults: Faults) -> None:
        self.api.faults = faults

    def reply(self, request: Request) -> Reply:
        """The answer to a request. Only answers of the API are late."""
        answer, cut = self._respond(request)
        if answer:
            answer = stamp(answer, self.options.clock())
        if answer and self.options.gzip and not cut and "gzip" in request.headers.get("accept-encoding", ""):
            answer = compress(answer)
        return Reply(answer, cut, 0.0 if request.path.startswith("/__") else self.options.latency)

    def _respond(self, request: Request) -> tuple[bytes | None, int]:
        """The bytes of the answer, and how many of them to send before the connection breaks (0 for all)."""
        path, call = request.path, _read_call(request)
        step = path.rstrip("/").removeprefix(_OAUTH) if path.startswith(_OAUTH) else ""
        if (path.startswith("/__") or step == "authorize") and not is_trusted(request.headers):
            return frame(403, STRANGER, kind=TEXT), 0
        query = {name: value for name, value in call.params.items() if name not in (CALLER, PERMS)}
        try:
            if path.startswith("/services/rest"):
                return self._serve(query, call)
            if step in _STEPS:
                return self._log_in(step, call), 0
        except Refusal as refusal:
            return frame(refusal.status, refusal.body, kind=TEXT), 0
        try:
            return self._inspect(path, query, request.body), 0
        except (Failure, ValueError, TypeError, AttributeError) as error:
            return frame(400, f"Cannot do that: {error}\n".encode(), kind=TEXT), 0

    def _inspect(self, path: str, query: dict[str, str], body: bytes) -> bytes:
        """The addresses that Flickr does not have."""
        if path == "/__truth":
            return frame(200, self.api.truth(query))
        if path == "/__stats":
            period = query.get("period")
            return frame(200, orjson.dumps(self.stats.describe(float(period) if period else None)))
        if path == "/__control":
            return frame(200, orjson.dumps(self._control(orjson.loads(body))))
        return frame(404, b"<html><body>Not found</body></html>", kind=HTML)

    def _control(self, order: dict[str, Any]) -> dict[str, Any]:
        """What Api.control does; besides `revoke` (a token) and `grant` (an NSID: a token and its secret)."""
        self.authority.revoke(order.get("revoke", ""))
        person = next((p for p in self.catalogue.people if p.nsid == order.get("grant")), None)
        return self.api.control(order) | ({"token": self.authority.grant(person)} if person else {})

    def _log_in(self, step: str, call: Signed) -> bytes:
        """The three steps of OAuth; the second is for a browser."""
        if step == "request_token":
            return frame(200, self.authority.issue_request(call), kind=TEXT)
        if step == "access_token":
            return frame(200, self.authority.issue_access(call), kind=TEXT)
        target, text = self.authority.authorize(call.params)
        if target:
            return frame(302, b"", kind=HTML, more=f"Location: {target}\r\n")
        return frame(200, f"<html><body><p>Your code: <b>{text}</b></p></body></html>".encode(), kind=HTML)

    def _identify(self, query: dict[str, str], call: Signed) -> dict[str, str]:
        """The query with who signed it, where it is signed. The key may then come as oauth_consumer_key alone."""
        if "oauth_signature" not in query:
            return query
        token = self.authority.identify(call)
        known = {"api_key": query["oauth_consumer_key"], **query}
        return known if token is None else {**known, CALLER: token.person.nsid, PERMS: token.perms}

    def _serve(self, query: dict[str, str], call: Signed) -> tuple[bytes | None, int]:
        self.stats.arrivals.append(time.monotonic())
        self.stats.methods[query.get("method", "")] += 1
        self.stats.keys[query.get("api_key", "")] += 1
        if self._is_over_rate():
            return frame(429, TOO_MANY, kind=HTML), 0
        query = self._identify(query, call)
        fault = self.api.faults.draw(self._rng)
        if fault is None or (fault == "10" and query.get("method") != "flickr.photos.search"):
            return frame(200, self.api.answer(query)), 0
        self.stats.faults[fault] += 1
        return self._fail(fault, query)

    def _is_over_rate(self) -> bool:
        if self.options.rate is None:
            return False
        calls, period = self.options.rate
        arrivals = self.stats.arrivals
        return len(arrivals) - bisect_left(arrivals, arrivals[-1] - period) > calls

    def _fail(self, fault: str, query: dict[str, str]) -> tuple[bytes | None, int]:
        if fault == "reset":
            return None, 0
        if fault == "hung":
            return b"", 0
        if fault == "truncated":
            whole = frame(200, self.api.answer(query))
            return whole, max(1, len(whole) * 2 // 3)
        return FAILURES.get(fault) or frame(200, refuse(int(fault))), 0


def _read_call(request: Request) -> Signed:
    """The arguments, wherever they stand: in the query, in a posted form, in the Authorization header."""
    text = request.query
    if request.body and request.path != "/__control":
        text = f"{text}&{request.body.decode(errors='replace')}"
    header = read_header(request.headers.get("authorization", ""))
    params = dict(parse_qsl(text, keep_blank_values=True)) | header
    return Signed(request.verb, f"http://{request.headers.get('host', '')}{request.path}", params)


def refuse(code: int) -> bytes:
    """A passing `stat: fail`: the same message has been seen with 105, 201 and 0."""
    return orjson.dumps({"stat": "fail", "code": code, "message": NOT_NOW})


_PANDA = b"<html><body><h1>Bad, bad panda!</h1></body></html>"
FAILURES = {
    "429": frame(429, TOO_MANY, kind=HTML),
    "429 wait": frame(429, TOO_MANY, kind=HTML, more="Retry-After: 0\r\n"),
    **{str(status): frame(status, _PANDA, kind=HTML) for status in (500, 502, 503)},
    "empty": frame(200, b""),
    "html": frame(200, b"<html><body>Hold your clicks a moment please</body></html>", kind=HTML),
    "xml": frame(200, b'<?xml version="1.0" encoding="utf-8" ?><rsp/>', kind=HTML),
}


@asynccontextmanager
async def open_sandbox(options: SandboxOptions | None = None) -> AsyncIterator[Sandbox]:
    """A sandbox served by the running event loop, until the block ends."""
    sandbox = Sandbox(options or SandboxOptions())
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: connect(sandbox), "127.0.0.1", sandbox.options.port)
    sandbox.port = server.sockets[0].getsockname()[1]
    try:
        yield sandbox
    finally:
        server.close()
        for transport in list(sandbox.connections):
            transport.abort()
        await server.wait_closed()
