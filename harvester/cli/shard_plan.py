"""`harvester shard plan`: what is to be harvested by many machines."""

from __future__ import annotations

import asyncio
from typing import Any

import click

from harvester.cli.ids import open_ids
from harvester.cli.options import (
    Command,
    Setup,
    build_job,
    decorate,
    job_options,
    option,
    photo_job_options,
    settings_options,
)
from harvester.cli.plan import tell_to
from harvester.cli.search import build_search, search_options
from harvester.cli.session import find_loop_factory
from harvester.cli.show import show_facts
from harvester.cli.sources import JOB_FIELDS, NAMED_SOURCES, Named, show_examples
from harvester.errors import Exit, UsageError
from harvester.jobs.model import Photos, Source

_PHOTOS = 1_500


@click.group(
    short_help="Begin: what is to be harvested.",
    epilog=(
        "\b\nExamples:\n"
        "  harvester shard plan search --tags monkey,chimp --store s3://bucket/monkeys\n"
        "  harvester shard plan account britishlibrary --detail info --store /shared/library"
    ),
)
def plan() -> None:
    """Put the plan of a harvest into STORE: who is meant, and up to which second. A handful of calls, no harvest.

    The shards themselves come as they are run: one that is too big is cut in two. The same plan again changes nothing.
    """


_store = option("Shards", "--store", metavar="STORE", required=True, help="A shared folder, or s3://BUCKET/PREFIX.")
_photos = option(
    "Shards",
    "--shard-photos",
    type=int,
    default=_PHOTOS,
    metavar="N",
    help=f"Photos of a shard at most.  [default: {_PHOTOS:,}, an hour of Flickr's quota]",
)
_plan_options = decorate(_store, _photos, job_options, settings_options)


@plan.command(
    cls=Command,
    short_help="A search.",
    epilog="\b\nExample:\n  harvester shard plan search --tags monkey,chimp --store s3://bucket/monkeys",
)
@search_options
@_plan_options
def search(*, setup: Setup, store: str, shard_photos: int, **given: Any) -> Exit:
    """Plan a search; the filters are those of `harvester search`."""
    wanted = {name: given.pop(name) for name in JOB_FIELDS}
    return _put_plan(build_search(given), wanted, setup=setup, store=store, photos=shard_photos)


@plan.command(
    cls=Command,
    short_help="Photos given by id or address.",
    epilog="\b\nExample:\n  harvester shard plan photos --from ids.txt --store s3://bucket/photos",
)
@click.argument("photo", nargs=-1)
@option("Options", "--from", "ids_from", metavar="FILE", help="One photo a line, # for comments; - is standard input.")
@decorate(_store, _photos, photo_job_options, settings_options)
def photos(
    *, setup: Setup, photo: tuple[str, ...], ids_from: str | None, store: str, shard_photos: int, **given: Any
) -> Exit:
    """Plan photos given by id or address; a line that names none is told when its shard is run."""
    if not photo and ids_from is None:
        raise UsageError("Name photos by id or address, or a file of them with --from (- is standard input).")
    source = Photos(ids=open_ids(photo, ids_from))
    return _put_plan(source, given, setup=setup, store=store, photos=shard_photos)


def _build_command(kind: Named) -> click.Command:
    example = kind.examples[0].replace("harvester", "harvester shard plan").partition(" -o")[0]

    @click.command(
        kind.name,
        cls=Command,
        short_help=kind.short_help,
        help=f"Plan what `harvester {kind.name}` would do; the arguments are the same.",
        epilog=show_examples([f"{example} --store s3://bucket/{kind.name}"]),
    )
    @kind.arguments
    @_plan_options
    def command(*, setup: Setup, named: str, store: str, shard_photos: int, **given: Any) -> Exit:
        return _put_plan(kind.build(named, given), given, setup=setup, store=store, photos=shard_photos)

    return command


for _kind in NAMED_SOURCES:
    plan.add_command(_build_command(_kind))


def _put_plan(source: Source, given: dict[str, Any], *, setup: Setup, store: str, photos: int) -> Exit:
    from harvester.objects import open_store  # noqa: PLC0415
    from harvester.shards.planning import plan_shards  # noqa: PLC0415

    job = build_job(source, given)
    settings = setup.load().settings
    settings.require_key()
    for sentence in job.warnings:
        setup.console.warn(sentence)

    async def put() -> dict[str, Any]:
        objects = open_store(store, is_private=settings.has_login)
        await objects.check(make=True)
        made, is_new = await plan_shards(objects, job, settings, photos=photos, observer=tell_to(setup))
        return {
            "store": objects.url,
            "claimed": made.claimed,
            "shards to begin with": len(made.roots),
            "next": f"harvester shard run {objects.url}" + ("" if is_new else " (the plan was there already)"),
        }

    with asyncio.Runner(loop_factory=find_loop_factory()) as runner:
        facts = runner.run(put())
    show_facts(facts, as_json=False)
    return Exit.COMPLETE
