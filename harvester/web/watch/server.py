"""The page and what it asks for, on this machine's own address: a stream of facts, and deeds."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

import msgspec
from aiohttp import web

from harvester.errors import UsageError
from harvester.progress.attach.messages import Action
from harvester.web.page import Bundle, build_page, build_policy, read_bundle
from harvester.web.watch.guard import HEADERS, is_own_page, is_token
from harvester.web.watch.measure import measure
from harvester.web.watch.watched import EVERY, Watcher

LOOPBACK = "127.0.0.1"
_ALLOW = {"connect-src": "'self'", "img-src": "'self'"}
_HEADER_ALONE = {"frame-ancestors": "'none'"}
"""What a page cannot say of itself."""
_ICON = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#0063dc"/>\
<path d="M3 12V8m5 4V3m5 9V6" stroke="#fff" stroke-width="2"/></svg>
"""
_LONGEST = 1024
"""Bytes of what a page sends."""
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _Command(msgspec.Struct, frozen=True):
    """What the page wants to be done."""

    archive: int
    do: Action


class Site:
    """Answers what is asked for. Everything but the numbers needs the token."""

    def __init__(self, watcher: Watcher, *, token: str, bundle: Bundle) -> None:
        self.token = token
        self.is_closing = asyncio.Event()
        self._watcher = watcher
        self._page = build_page(bundle, title="harvester watch", data=b"{}", allow=_ALLOW)
        self._policy = build_policy(bundle, {**_ALLOW, **_HEADER_ALONE})

    def build_app(self) -> web.Application:
        """The application of aiohttp."""
        app = web.Application(middlewares=[self._guard], client_max_size=_LONGEST)
        app.on_response_prepare.append(self._add_headers)
        app.router.add_get("/healthz", self._tell_health)
        app.router.add_get("/metrics", self._tell_metrics)
        app.router.add_get("/{token}/", self._show_page)
        app.router.add_get("/{token}/icon.svg", self._show_icon)
        app.router.add_get("/{token}/facts", self._tell_facts)
        app.router.add_get("/{token}/events", self._stream)
        app.router.add_post("/{token}/do", self._do)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        is_open = request.path in ("/healthz", "/metrics")
        token = request.path.split("/")[1]
        if not is_own_page(request.headers) or not (is_open or is_token(token, self.token)):
            return web.Response(status=HTTPStatus.FORBIDDEN, text="Open the address that `harvester watch` has told.\n")
        return await handler(request)

    async def _add_headers(self, _: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(HEADERS)
        response.headers["Server"] = "harvester"
        response.headers["Content-Security-Policy"] = self._policy

    async def _tell_health(self, _: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _tell_metrics(self, _: web.Request) -> web.Response:
        from harvester.progress.metrics.exposition import CONTENT_TYPE, write_metrics  # noqa: PLC0415 - needs an extra

        numbers = [measure(facts) for facts in await self._watcher.look()]
        try:
            return web.Response(body=write_metrics(*numbers), headers={"Content-Type": CONTENT_TYPE})
        except ImportError:
            told = 'This needs prometheus-client: pip install "flickr-harvester[metrics]".\n'
            return web.Response(status=HTTPStatus.NOT_IMPLEMENTED, text=told)

    async def _show_page(self, _: web.Request) -> web.Response:
        return web.Response(text=self._page, content_type="text/html")

    async def _show_icon(self, _: web.Request) -> web.Response:
        return web.Response(text=_ICON, content_type="image/svg+xml")

    async def _tell_facts(self, _: web.Request) -> web.Response:
        return web.Response(body=msgspec.json.encode(await self._watcher.look()), content_type="application/json")

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            while not self.is_closing.is_set():
                await response.write(b"data: " + msgspec.json.encode(await self._watcher.look()) + b"\n\n")
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(EVERY):
                        await self.is_closing.wait()
        return response

    async def _do(self, request: web.Request) -> web.Response:
        try:
            wish = msgspec.json.decode(await request.read(), type=_Command)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return web.json_response({"trouble": "That is no wish."}, status=HTTPStatus.BAD_REQUEST)
        trouble = await self._watcher.do(wish.archive, wish.do)
        status = HTTPStatus.CONFLICT if trouble else HTTPStatus.OK
        return web.json_response({"trouble": trouble}, status=status)


@asynccontextmanager
async def open_site(watcher: Watcher, *, port: int) -> AsyncIterator[str]:
    """Serve the page until the end; gives its address. `port` 0 takes any free one. UsageError where it is taken."""
    site = Site(watcher, token=secrets.token_urlsafe(24), bundle=read_bundle("watch"))
    runner = web.AppRunner(site.build_app(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        place = web.TCPSite(runner, LOOPBACK, port)
        try:
            await place.start()
        except OSError as error:
            why = error.strerror or error
            raise UsageError(f"cannot listen at port {port}: {why}. Name another, or 0.", field="port") from None
        bound = runner.addresses[0][1]
        yield f"http://{LOOPBACK}:{bound}/{site.token}/"
    finally:
        site.is_closing.set()
        await runner.cleanup()
        watcher.close()
