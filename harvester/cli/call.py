"""`harvester call`: any method of Flickr's API."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import click

from harvester.auth.token_store import config_folder, find_perms
from harvester.cli.options import Command, Names, Setup, option, settings_options
from harvester.cli.session import attend, choose_display
from harvester.cli.show import show_bytes, show_lines
from harvester.config.settings import Settings
from harvester.errors import Exit, GivenUp, Refused, Stopped, UsageError, show
from harvester.events import Observer, Tally
from harvester.flickr.method_list import METHODS, Method, find_method
from harvester.progress.display import EVERY, DisplayOptions
from harvester.progress.gauge import Limits
from harvester.transport.calls.answer import Answer, tidy
from harvester.transport.calls.arguments import check_allowed, read_pairs
from harvester.transport.calls.paging import Paging

if TYPE_CHECKING:
    from harvester.transport.client import Client

_WRITE_FAILED = 106
"""Flickr's own word for a passing trouble of its own: nothing was done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOptions:
    """How the answer is asked for and shown."""

    everything: bool
    raw: bool
    write: bool


@click.command(
    cls=Command,
    short_help="Any method of Flickr's API.",
    epilog=(
        "\b\nExamples:\n"
        "  harvester call flickr.photos.getInfo photo_id=4195976808\n"
        "  harvester call flickr.photosets.getPhotos photoset_id=72157628959784871 extras=tags --all > set.ndjson\n"
        "  harvester call flickr.photos.setMeta photo_id=4195976808 title='Monkey, at last' --write\n"
        "  harvester call --list photos.geo"
    ),
)
@click.argument("method", type=Names(tuple(METHODS)), metavar="METHOD", required=False)
@click.argument("arguments", nargs=-1, metavar="[NAME=VALUE]...")
@option("Call", "--all", "everything", is_flag=True, help="Page through a list: its rows, one a line.")
@option("Call", "--raw", is_flag=True, help="The bytes as Flickr sent them.")
@option("Call", "--write", is_flag=True, help="Allow a method that changes what is at Flickr.")
@option("Call", "--unlisted", is_flag=True, help="Allow a method that Flickr's list lacks.")
@option("Call", "--list", "names", is_flag=True, help="The names that hold METHOD, and the login that each needs.")
@settings_options
def call(
    *,
    setup: Setup,
    method: str | None,
    arguments: tuple[str, ...],
    everything: bool,
    raw: bool,
    write: bool,
    unlisted: bool,
    names: bool,
) -> Exit:
    """Call METHOD and print its answer: one line of JSON, or indented on a terminal.

    Calls are paced, within the quota, retried, and signed when you are logged in. What Flickr refuses is told with its
    code and prints nothing. A call that writes is sent once: where its answer is lost, look at Flickr before you send
    it again.
    """
    if names:
        return _list_names(method or "")
    if method is None:
        raise click.UsageError("Missing argument 'METHOD'.")
    manner = CallOptions(everything=everything, raw=raw, write=write)
    found = _find(method, manner, unlisted=unlisted)
    given = read_pairs(arguments)
    paging = Paging(found, given) if everything else None
    settings = setup.load().settings
    settings.require_key()
    perms = find_perms(settings, config_folder())
    check_allowed(found, write=write, signs=settings.has_login, perms=perms)

    async def start(observer: Observer, stop: asyncio.Event) -> Exit:
        try:
            async with _open(settings, observer, stop) as client:
                if paging is not None:
                    return await _show_rows(client, found, paging, stop, setup)
                return await _show_answer(client, found, given, manner)
        except Stopped:
            return Exit.INTERRUPTED
        except Refused as error:
            return _fail(setup, str(error), Exit.INCOMPLETE if error.code == _WRITE_FAILED else Exit.USAGE)
        except GivenUp as error:
            return _fail(setup, f"{error}. Run the same command again.", Exit.INCOMPLETE)

    return attend(start, _choose_display(setup, settings))


def _find(name: str, manner: CallOptions, *, unlisted: bool) -> Method:
    method = find_method(name, unlisted=unlisted, write=manner.write)
    if manner.everything and manner.raw:
        raise UsageError("the bytes of one answer are no rows: leave out --all, or --raw.", field="raw")
    if manner.everything and method.writes:
        raise UsageError(f"{method.name} writes, so it answers no list.", field="all")
    return method


def _list_names(part: str) -> Exit:
    shown = [method for name, method in sorted(METHODS.items()) if part.lower() in name.lower()]
    if not shown:
        raise UsageError(f"no method of Flickr's has {show(part)} in its name.", field="list")
    width = max(len(method.name) for method in shown)
    show_lines(f"{method.name:<{width}}  {method.perms}" for method in shown)
    return Exit.COMPLETE


@asynccontextmanager
async def _open(settings: Settings, observer: Observer, stop: asyncio.Event) -> AsyncIterator[Client]:
    from harvester.engine.run import build_sleep  # noqa: PLC0415
    from harvester.transport.opening import open_client  # noqa: PLC0415 - help can do without

    async with open_client(settings, tally=Tally(), observer=observer, sleep=build_sleep(stop)) as client:
        yield client


async def _show_answer(client: Client, method: Method, arguments: Mapping[str, str], manner: CallOptions) -> Exit:
    from harvester.transport.calls.run import make_call  # noqa: PLC0415

    answer = await make_call(client, method, arguments)
    if manner.raw:
        await asyncio.to_thread(show_bytes, answer.body)
    else:
        await asyncio.to_thread(show_lines, [_write(answer)])
    return Exit.COMPLETE


def _write(answer: Answer) -> str:
    return answer.write(indent=2 if sys.stdout.isatty() else -1).decode()


async def _show_rows(client: Client, method: Method, paging: Paging, stop: asyncio.Event, setup: Setup) -> Exit:
    """The rows of each page once it has come, in a thread: whoever reads them may be slow."""
    from harvester.transport.calls.run import ask_page, read_pages  # noqa: PLC0415

    tell = _tell_progress(paging, setup)
    with suppress(Stopped):
        async with aclosing(read_pages(partial(ask_page, client, method), paging)) as pages:
            async for listing, new in pages:
                await asyncio.to_thread(show_lines, [tidy(listing.raws[place]).decode() for place in new])
                tell()
                if stop.is_set():
                    break
    if paging.ask is not None:
        setup.console.note(f"Stopped before page {paging.page:,}, with {paging.rows:,} rows.")
        return Exit.INTERRUPTED
    if not paging.is_complete:
        return _fail(setup, paging.shortage, Exit.INCOMPLETE)
    if paging.shortage:
        setup.console.warn(paging.shortage)
    return Exit.COMPLETE


def _tell_progress(paging: Paging, setup: Setup) -> Callable[[], None]:
    """Says every ten seconds how far a list is, unless its rows go to a terminal."""
    told = time.monotonic()
    is_wanted = setup.progress or (setup.progress is None and not sys.stdout.isatty())

    def tell() -> None:
        nonlocal told
        if is_wanted and time.monotonic() - told >= EVERY:
            told = time.monotonic()
            claim = f" of {paging.claimed:,}" if paging.claimed else ""
            setup.console.note(f"{paging.rows:,}{claim} rows after page {paging.page - 1:,}.")

    return tell


def _fail(setup: Setup, sentence: str, code: Exit) -> Exit:
    setup.console.error(sentence, exit_code=code)
    return code


def _choose_display(setup: Setup, settings: Settings) -> DisplayOptions:
    """Notices only: why it waits, and what is odd."""
    look = choose_display(setup, limits=Limits(quota=settings.quota, pace=settings.pace), to_stdout=True)
    return replace(look, form="plain" if look.form == "live" else look.form, readings=False)
