"""`harvester shard run`, `commit-status` and `merge`: one harvest on many machines."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import click

from harvester.cli.keys import require_keys
from harvester.cli.notifications import Notification
from harvester.cli.options import Command, Setup, console_options, find_console, option, run_options
from harvester.cli.session import attend, choose_display, find_loop_factory
from harvester.cli.shard_plan import plan
from harvester.cli.show import show_facts, show_lines
from harvester.config.readers import read_duration
from harvester.config.settings import read_folder
from harvester.errors import Exit, UsageError
from harvester.events import Noticed, Observer
from harvester.progress.gauge import Limits
from harvester.text.words import name_count

_MOST_TOLD = 5


@click.group(
    short_help="One harvest on many machines.",
    epilog=(
        "\b\nExamples:\n"
        "  harvester shard plan search --tags monkey --store s3://bucket/monkeys\n"
        "  harvester shard run s3://bucket/monkeys     # on each machine\n"
        "  harvester shard merge s3://bucket/monkeys -o monkeys"
    ),
)
def shard() -> None:
    """One harvest on many machines, started by whatever starts programs there.

    A shard is a stretch of upload time, the lists of an account, or a range of given ids. STORE is a folder that all
    machines share, or s3://, gs:// or az:// BUCKET/PREFIX.
    """


shard.add_command(plan)


@shard.command(
    cls=Command,
    short_help="Take shards and harvest them.",
    epilog=(
        "\b\nExamples:\n"
        "  harvester shard run s3://bucket/monkeys --work /scratch/shards\n"
        "  harvester shard run /shared/monkeys time-1262304000-1293839999"
    ),
)
@click.argument("store", metavar="STORE")
@click.argument("within", metavar="[SHARD]", required=False)
@option(
    "Shards",
    "--work",
    metavar="DIR",
    help="Where it harvests: on a local disk.  [default: in TMPDIR]",
)
@option(
    "Shards",
    "--lease",
    metavar="TIME",
    default="5m",
    help="Silence after which others take it over.  [default: 5m]",
)
@option("Shards", "--publish-every", metavar="TIME", default="5m", help="How often lines go to STORE.  [default: 5m]")
@click.option("--publish", hidden=True)  # said by whoever takes it for a harvest's, and told where it belongs
@run_options
def run(*, setup: Setup, store: str, within: str | None, work: str | None, lease: str, publish_every: str) -> Exit:
    """Take a shard of the plan in STORE, harvest and commit it, and so on, until all are committed.

    With SHARD: that one, or the pieces that it was cut into. Run it on as many machines as you like, and again after
    whatever has stopped it. What an earlier attempt has published is not fetched again. Exit code 0 says that all of it
    is committed, 3 that something could not be had.
    """
    from harvester.objects import open_store  # noqa: PLC0415
    from harvester.shards.attempt import Terms  # noqa: PLC0415
    from harvester.shards.leases import name_worker  # noqa: PLC0415
    from harvester.shards.local import find_work  # noqa: PLC0415
    from harvester.shards.planning import read_plan  # noqa: PLC0415
    from harvester.shards.running import open_worker  # noqa: PLC0415
    from harvester.shards.shard import parse_shard  # noqa: PLC0415

    setup.refuse_publish()
    common = setup.load().settings
    terms = Terms(
        worker=name_worker(),
        lease=_read_seconds(lease, "lease"),
        publish_every=_read_seconds(publish_every, "publish_every"),
    )
    place = find_work(None if work is None else read_folder(work, field="work"))

    async def start(observer: Observer, stop: asyncio.Event) -> Exit:
        objects = open_store(store)
        await objects.check()
        settings = require_keys(setup, common, (await read_plan(objects)).env_prefix, place=objects.url)
        objects = open_store(store, is_private=settings.has_login)
        worker = await open_worker(objects, settings, work=place, terms=terms, observer=observer, stop=stop)
        done = await worker.run(None if within is None else parse_shard(within))
        observer(Noticed(sentence=done.describe(objects.url)))
        return Exit.INTERRUPTED if stop.is_set() and not done.is_all_committed else done.exit_code

    limits = Limits(quota=common.quota, pace=common.pace)
    look = choose_display(setup, limits=limits, to_stdout=False, again="the same command")
    return attend(start, look, Notification(settings=common, archive=None, console=setup.console))


def _read_seconds(text: str, field: str) -> float:
    try:
        seconds = read_duration(text)
    except UsageError as error:
        raise UsageError(error.sentence, field=field) from None
    if seconds is None:
        raise UsageError("it must end some time: use seconds, 30m or 2h.", field=field)
    return seconds


@shard.command(
    name="commit-status",
    cls=Command,
    short_help="How far the shards are.",
    epilog=(
        "\b\nExamples:\n"
        "  harvester shard commit-status s3://bucket/monkeys\n"
        "  harvester shard commit-status /shared/monkeys --left | parallel harvester shard run /shared/monkeys {}"
    ),
)
@click.argument("store", metavar="STORE")
@click.option("--left", is_flag=True, help="Print the shards that are not committed, one a line.")
@click.option("--json", "as_json", is_flag=True, help="For machines: one JSON object, with each shard.")
@console_options
def commit_status(*, store: str, left: bool, as_json: bool, **manner: Any) -> Exit:
    """Say how far the shards in STORE are, by STORE alone. Makes no call to Flickr, and needs no key.

    Exit code 0 says that all are committed, 3 that some are left.
    """
    find_console(**manner)
    from harvester.objects import open_store  # noqa: PLC0415
    from harvester.shards.standing import read_standing  # noqa: PLC0415

    async def look() -> dict[str, Any]:
        objects = open_store(store)
        await objects.check()
        return await read_standing(objects, clock=time.time)

    with asyncio.Runner(loop_factory=find_loop_factory()) as runner:
        facts = runner.run(look())
    if left:
        show_lines([each["shard"] for each in facts["shards"] if each["state"] != "committed"])
    else:
        show_facts(facts if as_json else _shorten(facts), as_json=as_json)
    return Exit.COMPLETE if facts["is_committed"] else Exit.INCOMPLETE


def _shorten(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What people want to know: not the shards that are done, and not those that nobody has begun."""
    under_way = [each for each in facts["shards"] if each["state"] in ("running", "lost")]
    shown = {name: value for name, value in facts.items() if name not in ("job", "shards", "is_committed")}
    return {**shown, "under way": under_way} if under_way else shown


@shard.command(
    cls=Command,
    short_help="One archive out of all shards.",
    epilog="\b\nExample:\n  harvester shard merge s3://bucket/monkeys -o archives/monkeys",
)
@click.argument("store", metavar="STORE")
@option("Output", "-o", "--output", metavar="DIR", required=True, help="The archive; a new folder.")
@option("Output", "--partial", is_flag=True, help="Merge what is committed; `harvester resume` then fetches the rest.")
@console_options
def merge(*, store: str, output: str, partial: bool, **manner: Any) -> Exit:
    """Make an ordinary archive of the committed shards in STORE. Makes no call to Flickr, and needs no key.

    It is the same, byte for byte, however often it is made. Where shards are missing nothing is written, and the exit
    code is 3. What could not be had in a shard is missing in the archive too, which says so: `harvester resume` tries
    again.
    """
    setup = Setup(console=find_console(**manner), config_path=None, options={}, progress=False)
    from harvester.objects import open_store  # noqa: PLC0415
    from harvester.shards.merging import merge_shards  # noqa: PLC0415

    folder = read_folder(output, field="output")

    async def start(observer: Observer, stop: asyncio.Event) -> Exit:
        _ = stop
        objects = open_store(store)
        await objects.check()
        merged = await merge_shards(objects, folder, is_partial=partial, observer=observer)
        if merged.summary is None:
            observer(Noticed(sentence=tell_missing(merged.missing, objects.url)))
        is_whole = merged.summary is not None and merged.summary.status == "complete"
        return Exit.COMPLETE if is_whole else Exit.INCOMPLETE

    return attend(start, choose_display(setup, limits=Limits(), to_stdout=False))


def tell_missing(missing: tuple[str, ...], store: str) -> str:
    """The sentence for shards that are not committed."""
    told = ", ".join(missing[:_MOST_TOLD])
    more = len(missing) - _MOST_TOLD
    rest = f" and {more:,} more" if more > 0 else ""
    return (
        f"Nothing is merged: {name_count(len(missing), 'shard')} not committed yet ({told}{rest}). "
        f"`harvester shard run {store}` harvests what is left."
    )
