"""An object store on loopback, and a proxy before it that misbehaves as a plan says."""

from __future__ import annotations

import asyncio
import io
import logging
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import count
from typing import Literal

import aiohttp
from aiohttp import web
from moto.server import ThreadedMotoServer
from yarl import URL

Fault = Literal["", "503", "403", "cut", "lost", "half", "slow"]
"""`cut`: the request never arrives. `lost`: it does, and its answer does not. `half`: half of the answer does."""
Plan = Callable[[str, str], Fault]
"""From a request's method and path to what becomes of it."""
_NUMBERS = count(1)
_REFUSAL = b"<Error><Code>InvalidAccessKeyId</Code><Message>secret text</Message></Error>"


@dataclass
class Bucket:
    """A bucket of its own in the server, reached through the proxy. `plan` may be changed at any time."""

    name: str
    endpoint: str
    plan: Plan = lambda _method, _path: ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """Requests that came, each with its method and its path behind the bucket."""

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which a process finds it."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "testing-key-id",
            "AWS_SECRET_ACCESS_KEY": "testing-secret-key",
            "AWS_REGION": "us-east-1",
            "GOOGLE_BASE_URL": self.endpoint,
            "GOOGLE_BEARER_TOKEN": "testing-bearer-token",
        }

    def fault(self, method: str, path: str) -> Fault:
        """Note the request; what is to become of it."""
        inner = path.removeprefix(f"/{self.name}").lstrip("/")
        self.asked.append((method, inner))
        return self.plan(method, inner)


def fail_first(method: str, times: int, fault: Fault) -> Plan:
    """A plan in which so many requests of a method fail first."""
    left = [times]

    def plan(asked: str, _path: str) -> Fault:
        if asked != method or not left[0]:
            return ""
        left[0] -= 1
        return fault

    return plan


@contextmanager
def open_server() -> Iterator[str]:
    """The address of a server that speaks S3."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@contextmanager
def open_bucket(server: str, *, name: str | None = None) -> Iterator[Bucket]:
    """A new bucket, and a proxy before it."""
    bucket = Bucket(name or f"bucket-{next(_NUMBERS)}", "")
    request = urllib.request.Request(f"{server}/{bucket.name}", method="PUT")  # noqa: S310
    with urllib.request.urlopen(request):  # noqa: S310
        pass
    ready, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with aiohttp.ClientSession(auto_decompress=False) as session:
            runner = web.ServerRunner(web.Server(_Proxy(server, bucket, session).handle), shutdown_timeout=1)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            bucket.endpoint = f"http://127.0.0.1:{runner.addresses[0][1]}"
            ready.set()
            await stop.wait()
            await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    ready.wait()
    try:
        yield bucket
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


@dataclass
class _Proxy:
    server: str
    bucket: Bucket
    session: aiohttp.ClientSession
    one_at_once: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by what is put. The server looks whether an object is there, and then takes the body: of two who put it at
    once both may be told that they were first, which no store does that people use."""

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = b"".join([piece async for piece in request.content.iter_any()])
        fault = self.bucket.fault(request.method, request.path)
        if fault == "503":
            return web.Response(status=503, text="<Error><Code>SlowDown</Code></Error>")
        if fault == "403":
            return web.Response(status=403, body=_REFUSAL)
        if fault == "slow":
            await asyncio.sleep(1)
        if fault != "cut":
            answer = await self._forward(request, body)
            if fault == "half":
                await _send_half(request, answer)
            elif fault != "lost":
                return answer
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def _forward(self, request: web.BaseRequest, body: bytes) -> web.Response:
        headers = {name: value for name, value in request.headers.items() if name.lower() != "content-length"}
        path = request.raw_path
        if not request.headers.get("Authorization", "").startswith("AWS4"):  # as to Google Cloud Storage
            headers["Authorization"], path = _SIGNED, path.replace("%2F", "/").replace("%2D", "-")
        if headers.get("x-goog-if-generation-match") == "0":
            headers["If-None-Match"] = "*"
        url = URL(f"{self.server}{path}", encoded=True)
        async with (
            self.one_at_once if request.method == "PUT" else nullcontext(),
            self.session.request(request.method, url, headers=headers, data=io.BytesIO(body)) as answer,
        ):
            kept = {name: value for name, value in answer.headers.items() if name.lower() in _KEPT}
            content = await answer.read()
            if request.method == "HEAD":
                kept["Content-Length"] = answer.headers.get("Content-Length", "0")
            return web.Response(status=answer.status, headers=kept, body=content)


async def _send_half(request: web.BaseRequest, answer: web.Response) -> None:
    body = answer.body if isinstance(answer.body, bytes) else b""
    begun = web.StreamResponse(status=answer.status, headers=answer.headers)
    begun.content_length = len(body)
    await begun.prepare(request)
    await begun.write(body[: len(body) // 2])


_SIGNED = "AWS4-HMAC-SHA256 Credential=key/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
_KEPT = frozenset({"etag", "content-type", "content-range", "last-modified", "accept-ranges", "x-amz-version-id"})
