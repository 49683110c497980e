"""The three steps of logging in, and the ways on which a person's answer comes in between.

Flickr sends the browser back to an address of this machine. Where the browser is on another one, its last address
can be typed instead; and where none is to be sent back anywhere (`oob`), Flickr shows a code to be typed.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from hmac import compare_digest
from urllib.parse import parse_qsl, urlencode, urlsplit

from harvester import timers
from harvester.auth.token_store import Login
from harvester.config.settings import Settings
from harvester.errors import GivenUp, KeyRefused, TryLater, Unreachable, UsageError
from harvester.events import Tally, ignore
from harvester.flickr.lenient_json import check_page
from harvester.flickr.oauth import Sign, build_login_prefix, build_signer, check_problem
from harvester.jobs.values import stamp
from harvester.transport.opening import open_client
from harvester.transport.server_clock import ServerClock

NOWHERE = "oob"
"""The callback that has Flickr show a code: out of band."""

_SENTENCES = {
    "token_rejected": "Flickr knows this login no more: it was refused, took too long, or was used before.",
    "verifier_invalid": "Flickr does not take this code: it is not the one that it showed for this login.",
    "user_refused": "The login was refused.",
    "permission_denied": "The login was refused.",
}
_SENTENCES |= {"token_used": _SENTENCES["token_rejected"], "token_expired": _SENTENCES["token_rejected"]}
_AGAIN = "Run `harvester auth login` again."


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingLogin:
    """A login that somebody is asked to allow, at `url`."""

    url: str
    perms: str
    token: str = field(repr=False)
    secret: str = field(repr=False)


async def begin_login(settings: Settings, *, callback: str, perms: str) -> PendingLogin:
    """The first step."""
    clock = ServerClock()
    sign = build_signer(settings.require_key(), require_secret(settings), now=clock.now, callback_uri=callback)
    found = await _take_step("request_token", settings, sign, clock)
    query = urlencode({"oauth_token": found["oauth_token"], "perms": perms})
    return PendingLogin(
        url=f"{build_login_prefix(settings.api_url)}authorize?{query}",
        perms=perms,
        token=found["oauth_token"],
        secret=found["oauth_token_secret"],
    )


async def finish_login(settings: Settings, asked: PendingLogin, verifier: str) -> Login:
    """The last step: the answer of the person against a token that lasts."""
    clock = ServerClock()
    sign = build_signer(
        settings.require_key(),
        require_secret(settings),
        token=asked.token,
        token_secret=asked.secret,
        verifier=verifier,
        now=clock.now,
    )
    found = await _take_step("access_token", settings, sign, clock)
    return Login(
        nsid=found.get("user_nsid", ""),
        username=found.get("username", ""),
        fullname=found.get("fullname", ""),
        perms=asked.perms,
        granted=stamp(clock.now()),
        oauth_token=found["oauth_token"],
        oauth_token_secret=found["oauth_token_secret"],
    )


def require_secret(settings: Settings) -> str:
    """The key's secret; UsageError that says where it is found where there is none."""
    settings.require_key()
    if not settings.api_secret:
        raise UsageError(
            "Logging in needs the key's secret, which https://www.flickr.com/services/apps/ shows beside the key: put "
            "it into the environment variable FLICKR_API_SECRET, or as api_secret under [flickr] into harvester.toml."
        )
    return settings.api_secret


async def _take_step(step: str, settings: Settings, sign: Sign, clock: ServerClock) -> dict[str, str]:
    """The fields of a step's answer, which comes as a form. A step is a call like others: paced, counted, retried."""
    hurried = replace(settings.without_login(), give_up_after=timers.PERSON_SECONDS)
    endpoint = (build_login_prefix(settings.api_url), sign)
    try:
        async with open_client(
            hurried, tally=Tally(), observer=ignore, sleep=asyncio.sleep, endpoint=endpoint, server_clock=clock
        ) as client:
            return await client.call(step, _read_form)
    except KeyRefused as error:
        known = _SENTENCES.get(error.problem)
        raise KeyRefused(f"{known} {_AGAIN}" if known else str(error), problem=error.problem) from None
    except (GivenUp, Unreachable) as error:
        raise Unreachable(f"Logging in failed: {str(error).rstrip('.')}. {_AGAIN}") from None


def _read_form(body: bytes) -> dict[str, str]:
    check_problem(body)
    check_page(body)
    found = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    if not found.get("oauth_token") or not found.get("oauth_token_secret"):
        raise TryLater("an answer without a token")
    return found


class OAuthCallback:
    """Receives the verifier of a login, from the browser's redirect or as typed text. The first answer counts."""

    def __init__(self) -> None:
        self.token = ""
        """Of the login that is asked for; answers to others are not taken."""
        self._answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def wait(self, seconds: float) -> str:
        """The verifier. KeyRefused where the login is refused, or where nobody answers in time."""
        try:
            async with asyncio.timeout(seconds):
                return await self._answer
        except TimeoutError:
            raise KeyRefused(f"Nobody has allowed the login within {seconds / 60:.0f} minutes. {_AGAIN}") from None

    def hear(self, query: Mapping[str, str]) -> str:
        """Take the query of the browser's redirect. Returns the sentence that the browser shows."""
        token = query.get("oauth_token") or query.get("denied") or ""
        if not self.token or not compare_digest(token.encode(), self.token.encode()):
            # Any page in the browser can call this address. Only Flickr and its visitor know the token, so a refusal
            # that names none counts for nothing either.
            more = " If you have refused the login, press Ctrl-C there." if "oauth_problem" in query else ""
            return f"This is no answer to the login that harvester waits for.{more}"
        if verifier := query.get("oauth_verifier"):
            self._take(verifier)
            return "harvester goes on where it was started. You may close this window."
        self.fail(KeyRefused(f"The login was refused. {_AGAIN}"))
        return "The login was refused. You may close this window."

    def read(self, text: str) -> str:
        """Take typed text: the code, or the address at which the browser ended. Returns a sentence to show, or ''."""
        if "://" in text:
            query = dict(parse_qsl(urlsplit(text.strip()).query))
            answer = self.hear(query)
            return "" if self._answer.done() else answer
        code = re.sub(r"[\s-]", "", text)
        if re.fullmatch(r"\d{9}", code):
            code = f"{code[:3]}-{code[3:6]}-{code[6:]}"  # Flickr shows it so and wants it so
        if not re.fullmatch(r"[\w-]{6,64}", code, re.ASCII):
            return "This is no code: Flickr's look like 123-456-789."
        self._take(code)
        return ""

    def fail(self, error: Exception) -> None:
        """End the wait with this error, unless an answer has come."""
        if not self._answer.done():
            self._answer.set_exception(error)

    def _take(self, verifier: str) -> None:
        if not self._answer.done():
            self._answer.set_result(verifier)


_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>harvester</title>
<body style="font: 1.2em sans-serif; margin: 4em auto; max-width: 30em"><p>{}</p></body></html>"""


@asynccontextmanager
async def serve_callback(callback: OAuthCallback) -> AsyncIterator[str]:
    """Listen on a port of this machine for the browser that Flickr sends back; its address."""
    from aiohttp import web  # noqa: PLC0415

    async def answer(request: web.Request) -> web.Response:
        if request.host not in hosts:  # a name of somebody else's that leads here (DNS rebinding)
            raise web.HTTPForbidden(text="This address is for the browser of this machine.")
        text = _PAGE.format(callback.hear(request.query))
        return web.Response(text=text, content_type="text/html", headers={"Connection": "close"})

    hosts: set[str] = set()
    app = web.Application()
    app.router.add_get("/", answer)
    # No log: the addresses hold token and verifier. No long goodbye: browsers hold connections open.
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        hosts.update((f"127.0.0.1:{port}", f"localhost:{port}"))
        yield f"http://127.0.0.1:{port}/"
    finally:
        await runner.cleanup()
