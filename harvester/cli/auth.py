"""`harvester auth login`, `status` and `logout`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
import webbrowser
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from harvester import timers
from harvester.auth.token_store import (
    Login,
    config_folder,
    find_path,
    find_warnings,
    make_folder,
    read_login,
    remove_login,
    require_config_folder,
    write_login,
)
from harvester.cli.console import Console
from harvester.cli.ids import read_lines
from harvester.cli.options import Command, Names, Setup, connection_options, option
from harvester.cli.session import find_loop_factory
from harvester.cli.show import show_facts, show_lines
from harvester.config.settings import Settings
from harvester.errors import Exit, KeyRefused, UsageError
from harvester.events import Tally, ignore
from harvester.flickr.oauth import Person
from harvester.jobs.values import check_choice

if TYPE_CHECKING:
    from harvester.auth.handshake import OAuthCallback

REVOKE_PAGE = "https://www.flickr.com/services/auth/list.gne"
_WHAT = {
    "read": "read your photos, private ones too",
    "write": "read and change your photos and all else of yours",
    "delete": "read, change and delete your photos and all else of yours",
}
PERMS = tuple(_WHAT)
_GIVEN = "FLICKR_OAUTH_TOKEN, or oauth_token in the config file,"


@click.group(
    short_help="Log in, for private photos.",
    epilog="\b\nExample:\n  harvester auth login",
)
def auth() -> None:
    """Log in to Flickr, so that harvests include the private photos that the login may see."""


@auth.command(
    cls=Command,
    short_help="Log in, and keep the login for every harvest with this key.",
    epilog=(
        "\b\nExamples:\n"
        "  harvester auth login\n"
        "  harvester auth login --no-browser    # over ssh, say\n"
        "  harvester auth login --perms write   # for harvester call --write"
    ),
)
@option("Options", "--perms", type=Names(PERMS), default="read", help="What to ask for.  [default: read]")
@option("Options", "--browser/--no-browser", default=None, help="Open a browser, or have Flickr show a code to type.")
@connection_options
def login(*, setup: Setup, perms: str, browser: bool | None) -> Exit:
    """Log in: Flickr asks in the browser whether harvester may read, and the login is kept in your config folder.

    Needs FLICKR_API_KEY and FLICKR_API_SECRET. Logins last until they are taken back on Flickr. Harvests only read:
    `--perms write` or `delete` is for `harvester call --write`.
    """
    from harvester.auth.handshake import require_secret  # noqa: PLC0415

    check_choice(perms, PERMS, field="perms")
    settings = setup.load(kept=False).settings
    require_secret(settings)
    path = find_path(settings.without_login(), require_config_folder())
    make_folder(path.parent)
    browser = _has_browser() if browser is None else browser
    with asyncio.Runner(loop_factory=find_loop_factory()) as runner:
        found = runner.run(_log_in(settings, perms=perms, browser=browser, console=setup.console))
    write_login(path, found)
    setup.console.note(f"Logged in as {found.username} ({found.nsid}).")
    if settings.has_login:
        setup.console.warn(f"{_GIVEN} goes before this login: take it away to use this one.")
    return Exit.COMPLETE


@auth.command(
    cls=Command,
    short_help="Whose login it is, and whether it works.",
    epilog="\b\nExample:\n  harvester auth status || harvester auth login",
)
@click.option("--json", "as_json", is_flag=True, help="For machines: one JSON object.")
@connection_options
def status(*, setup: Setup, as_json: bool) -> Exit:
    """Say whose login is used, and see by one call that it works; exit code 4 where there is none, or it does not."""
    try:
        facts = _find_facts(setup)
    except KeyRefused as error:
        if as_json:
            show_facts({"logged_in": False, "problem": error.problem or None}, as_json=True)
        raise
    show_facts(facts, as_json=as_json)
    return Exit.COMPLETE


@auth.command(
    cls=Command,
    short_help="Forget the login.",
    epilog="\b\nExample:\n  harvester auth logout",
)
@connection_options
def logout(*, setup: Setup) -> Exit:
    """Forget the login that is kept for this key. Flickr still honours it until you take it back there."""
    settings = setup.load(kept=False).settings
    folder = config_folder()  # without one nothing can have been kept
    if folder is not None and remove_login(find_path(settings.without_login(), folder)):
        setup.console.note(f"Logged out. Flickr still honours the login until you take it back at {REVOKE_PAGE}.")
    else:
        setup.console.note("Not logged in: there was nothing to forget.")
    if settings.has_login:
        setup.console.warn(f"{_GIVEN} still logs every harvest in.")
    return Exit.COMPLETE


async def _log_in(settings: Settings, *, perms: str, browser: bool, console: Console) -> Login:
    from harvester.auth.handshake import NOWHERE, OAuthCallback, begin_login, finish_login, serve_callback  # noqa: PLC0415

    callback = OAuthCallback()
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(serve_callback(callback)) if browser else NOWHERE
        asked = await begin_login(settings, callback=address, perms=perms)
        callback.token = asked.token
        console.note(f"Allow harvester to {_WHAT[perms]}, at this address:")
        show_lines([asked.url])  # on standard output, since standard error shows no token
        if browser:
            console.note("Your browser should open it. If it ends at a page that is not there, paste its address here.")
            threading.Thread(target=_open_browser, args=(asked.url,), daemon=True).start()
        else:
            console.note("Then type here the code that Flickr shows:")
        _listen(callback, console, alone=not browser)
        verifier = await callback.wait(timers.ALLOW_SECONDS)
    return await finish_login(settings, asked, verifier)


def _listen(callback: OAuthCallback, console: Console, *, alone: bool) -> None:
    """Hand what is typed to the callback, from a thread that nobody waits for. `alone`: no browser can answer."""
    loop = asyncio.get_running_loop()

    def take(line: str) -> None:
        if said := callback.read(line):
            console.warn(said)

    def read() -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, for the browser was faster
            with contextlib.suppress(OSError):
                for line in read_lines(0):
                    loop.call_soon_threadsafe(take, line)
            if alone:
                sentence = "Standard input has ended without a code: log in where one can be typed, or with --browser."
                loop.call_soon_threadsafe(callback.fail, UsageError(sentence))

    threading.Thread(target=read, daemon=True).start()


def _open_browser(url: str) -> None:
    with contextlib.suppress(webbrowser.Error, OSError):
        webbrowser.open(url)


def _has_browser() -> bool:
    """Whether a window can be opened; a browser inside the terminal would take away the place to type at."""
    if os.environ.get("BROWSER"):
        return True
    if sys.platform in ("darwin", "win32"):
        return "SSH_CONNECTION" not in os.environ
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _find_facts(setup: Setup) -> dict[str, Any]:
    """Whose login is used, where it is from, and that it works."""
    settings = setup.load(kept=False).settings
    settings.require_key()
    facts: dict[str, Any] = {"from": "environment or config file"}
    if not settings.has_login:
        path = find_path(settings, require_config_folder())
        kept = read_login(path)
        if kept is None:
            raise KeyRefused("Not logged in: run `harvester auth login`.")
        for warning in find_warnings(path):
            setup.console.warn(warning)
        facts = {"fullname": kept.fullname, "perms": kept.perms, "granted": kept.granted, "from": str(path)}
        settings = replace(settings, oauth_token=kept.oauth_token, oauth_token_secret=kept.oauth_token_secret)
        setup.console.redact.add(settings.secrets)
        settings.require_key()
    with asyncio.Runner(loop_factory=find_loop_factory()) as runner:
        person = runner.run(_ask(settings))
    return {"logged_in": True, "nsid": person.nsid, "username": person.username, **facts}


async def _ask(settings: Settings) -> Person:
    from harvester.engine.names import ask_login  # noqa: PLC0415
    from harvester.transport.opening import open_client  # noqa: PLC0415

    hurried = replace(settings, give_up_after=timers.PERSON_SECONDS)
    async with open_client(hurried, tally=Tally(), observer=ignore, sleep=asyncio.sleep) as client:
        return await ask_login(client)
