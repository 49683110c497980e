"""`harvester sandbox`, also `python -m harvester.sandbox`."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import Any

import click

EXAMPLE_KEY = "0123456789abcdef0123456789abcdef"


@click.command(
    epilog="Example: harvester sandbox --photos 50000 --faults 0.03, and in another terminal "
    "FLICKR_API_URL=http://127.0.0.1:8765/services/rest/ harvester search --tags monkey | head -3"
)
@click.option("--port", default=8765, show_default=True, help="0 takes any free port.")
@click.option("--photos", type=click.IntRange(0, 5_000_000), default=10_000, show_default=True)
@click.option("--owners", type=click.IntRange(1, 10_000), default=20, show_default=True)
@click.option("--seed", default=7, show_default=True, help="The same seed makes the same photos.")
@click.option("--latency", type=click.FloatRange(0, 60), default=0.0, help="Seconds that each answer takes.")
@click.option("--rate", metavar="CALLS/PERIOD", help="Answer 429 past this, as 3600/h.")
@click.option("--faults", type=click.FloatRange(0, 0.9), default=0.0, help="Share of answers that go wrong.")
@click.option("--hung", type=click.FloatRange(0, 0.9), default=0.0, help="Share of calls that are never answered.")
@click.option("--drift", type=click.FloatRange(0, 1), default=0.0, help="Deletions and uploads for each search.")
@click.option("--unstable-order", type=click.FloatRange(0, 1), default=0.0, help="Share of pages out of order.")
@click.option("--short-pages", type=click.FloatRange(0, 0.9), default=0.0, help="Share of pages with rows missing.")
@click.option("--empty-pages", type=click.FloatRange(0, 0.9), default=0.0, help="Share of pages that come empty.")
@click.option("--wrong-totals", type=click.FloatRange(0, 1), default=0.0, help="Share of totals that are wrong.")
@click.option("--widened-windows", is_flag=True, help="Widen windows of five minutes and less, as Flickr does.")
@click.option("--private", type=click.FloatRange(0, 1), default=0.0, help="Share of private photos.")
@click.option("--refused", type=click.FloatRange(0, 1), default=0.0, help="Share of photos whose sizes are refused.")
@click.option("--even", is_flag=True, help="Uploads at even distances, not in bursts.")
@click.option("--wide-second", default=0, help="So many photos uploaded in one second.")
@click.option("--busy-day", default=0, help="So many photos uploaded on one day.")
@click.option("--gzip", is_flag=True, help="Compress answers where the client takes that.")
def sandbox(**options: Any) -> None:
    """Serve a local Flickr: made-up photos, real behaviour.

    Prints its address, then answers until it is stopped. Any key of 32 hexadecimal digits is good.
    """
    built = build_options(**options)
    try:
        import uvloop  # noqa: PLC0415

        factory = uvloop.new_event_loop
    except ImportError:  # Windows
        factory = None
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_serve(built))


def build_options(**given: Any) -> Any:
    """The command line's options as SandboxOptions; click.BadParameter where one is wrong."""
    from harvester.errors import UsageError  # noqa: PLC0415
    from harvester.quota.rate import Rate  # noqa: PLC0415

    from .catalogue import CatalogueOptions  # noqa: PLC0415
    from .faults import Faults  # noqa: PLC0415
    from .server import SandboxOptions  # noqa: PLC0415

    try:
        rate = Rate.parse(given["rate"]) if given.get("rate") else None
    except UsageError as error:
        raise click.BadParameter(str(error), param_hint="--rate") from None
    lies = ("hung", "drift", "unstable_order", "short_pages", "empty_pages", "wrong_totals", "widened_windows")
    catalogue = ("photos", "owners", "seed", "private", "refused", "even", "wide_second", "busy_day")
    return SandboxOptions(
        port=given["port"],
        catalogue=CatalogueOptions(**{name: given[name] for name in catalogue}),
        faults=Faults(any=given["faults"], **{name: given[name] for name in lies}),
        latency=given["latency"],
        rate=(int(rate.calls), rate.period) if rate else None,
        gzip=given["gzip"],
    )


async def _serve(options: Any) -> None:
    from .oauth import secret_of  # noqa: PLC0415
    from .server import open_sandbox  # noqa: PLC0415

    stop = asyncio.Event()
    for name in ("SIGINT", "SIGTERM"):
        if number := getattr(signal, name, None):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        async with open_sandbox(options) as running:
            click.echo(running.url)
            secret = secret_of(EXAMPLE_KEY)
            # Not through the standard error that hides secrets: these are none, though the environment may have them.
            click.echo(
                f"{len(running.catalogue):,} photos, seed {options.catalogue.seed}. To use it:\n"
                f"export FLICKR_API_URL={running.url} FLICKR_API_KEY={EXAMPLE_KEY} FLICKR_API_SECRET={secret}",
                file=sys.__stderr__,
            )
            await stop.wait()
    except OSError as error:
        raise click.ClickException(f"Cannot listen on port {options.port}: {error.strerror}. Try --port 0.") from None
