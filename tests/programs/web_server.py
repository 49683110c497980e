"""A web server with one client for as long as it runs: /photos?tags=… streams what is found."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from aiohttp import ClientSession, web
from counted import Held, check_nothing_more, count

from harvester import Flickr, Search, UsageError

FLICKR = web.AppKey("flickr", Flickr)


async def open_flickr(app: web.Application) -> AsyncIterator[None]:
    async with Flickr(quota="100000/h", pace="none") as flickr:
        app[FLICKR] = flickr
        yield


async def stream_photos(request: web.Request) -> web.StreamResponse:
    try:
        search = Search(tags=request.query.get("tags", ""))
    except UsageError as error:
        return web.Response(status=400, text=str(error))
    response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
    await response.prepare(request)
    with suppress(ConnectionResetError):
        async for photo in request.app[FLICKR].harvest(search, detail="info"):
            await response.write(photo.line)
    return response


def build_app() -> web.Application:
    app = web.Application()
    app.cleanup_ctx.append(open_flickr)
    app.router.add_get("/photos", stream_photos)
    return app


async def read_all(url: str) -> tuple[int, int]:
    async with ClientSession() as session, session.get(url) as answer:
        return answer.status, len((await answer.read()).splitlines())


async def hang_up(url: str) -> None:
    """Leave after the first line: the server's handler is cancelled, or finds nobody to write to."""
    async with ClientSession() as session, session.get(url) as answer:
        await answer.content.readline()


async def use(url: str, before: Held) -> None:
    assert await read_all(f"{url}?tags=") == (400, 1)
    for _ in range(3):
        await hang_up(f"{url}?tags=sandbox")
        await check_nothing_more(before)
    found = await asyncio.gather(*(read_all(f"{url}?tags=sandbox") for _ in range(3)))
    await check_nothing_more(before)
    print(*(lines for _, lines in found))


async def main() -> None:
    alone = count()
    runner = web.AppRunner(build_app(), handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert runner.addresses
    try:
        await use(f"http://127.0.0.1:{runner.addresses[0][1]}/photos", count())
    finally:
        await runner.cleanup()
    await check_nothing_more(alone)


asyncio.run(main())
