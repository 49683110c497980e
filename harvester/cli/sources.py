"""`harvester account`, `album`, `gallery`, `group`, `favorites`: what one id, name or address stands for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, get_args

import click

from harvester.cli.options import Command, Names, Setup, build_job, decorate, harvest_options, job_options, option
from harvester.cli.output import (
    check_output,
    cluster_options,
    output_options,
    read_output,
    take_rotation,
    update_option,
)
from harvester.cli.session import run_harvest
from harvester.errors import Exit
from harvester.jobs.model import SOURCES, Source
from harvester.jobs.sources import Hydrated, Kind
from harvester.jobs.urls import NAMED, read_named

JOB_FIELDS = ("detail", "sizes", "extras", "limit")
_choose = partial(option, "Kinds", metavar="A,B")

_account_options = decorate(
    _choose("--only", type=Names(get_args(Kind)), help=f"Of {', '.join(get_args(Kind))}."),
    _choose("--skip", type=Names(get_args(Kind)), help="All but these."),
    _choose(
        "--hydrate",
        type=Names(get_args(Hydrated)),
        help=f"Harvest these photos of others too, instead of listing them: {', '.join(get_args(Hydrated))}.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A kind of source that one id or name stands for, and how its commands present it."""

    name: str
    metavar: str
    short_help: str
    help: str
    examples: tuple[str, ...]
    options: Callable[[Any], Any] = decorate()  # noqa: RUF009 - a function

    @property
    def arguments(self) -> Callable[[Any], Any]:
        """What its commands take besides the options that all share."""
        return decorate(click.argument("named", metavar=self.metavar), self.options)

    def build(self, named: str, given: dict[str, Any]) -> Source:
        """The source that is meant; takes its options out of `given`."""
        own = {name: given.pop(name) for name in list(given) if name not in JOB_FIELDS}
        chosen = {name: value for name, value in own.items() if value is not None}
        return SOURCES[self.name](**{NAMED[self.name]: read_named(named, self.name)}, **chosen)


NAMED_SOURCES = (
    Named(
        name="account",
        metavar="USER",
        short_help="All of an account.",
        help=(
            "Harvest all of an account: the person, all photos, sets with their photos in order, collections, "
            "galleries, groups, favourites and contacts.\n\n"
            "USER is an NSID, a user name, a path alias, a flickr.com address, or me; a name that is one person's user "
            "name and another's path alias is refused with both NSIDs. Photos of others, as in "
            "galleries and favourites, are listed with their rows, and harvested only where --hydrate says so."
        ),
        examples=(
            "harvester account britishlibrary -o library",
            "harvester account flickr.com/photos/britishlibrary --detail list --skip contacts -o library",
            "harvester account me --hydrate favorites -o mine",
        ),
        options=_account_options,
    ),
    Named(
        name="album",
        metavar="ALBUM",
        short_help="The photos of an album (a set).",
        help="Harvest the photos of an album, given by id or address.",
        examples=(
            "harvester album 72157628959784871 -o trip",
            "harvester album https://www.flickr.com/photos/NAME/albums/72157628959784871 -o trip",
        ),
    ),
    Named(
        name="gallery",
        metavar="GALLERY",
        short_help="The photos of a gallery.",
        help="Harvest the photos of a gallery, given by id or address.",
        examples=("harvester gallery https://www.flickr.com/photos/flickr/galleries/72157690638331410/ -o clouds",),
    ),
    Named(
        name="group",
        metavar="GROUP",
        short_help="The photos of a group's pool.",
        help="Harvest the photos of a group's pool. GROUP is an id, the name in its address, or the address.",
        examples=("harvester group 34427469792@N01 -o central", "harvester group slovenia --detail list | jq .id"),
    ),
    Named(
        name="favorites",
        metavar="USER",
        short_help="The photos that somebody has favoured.",
        help=(
            "Harvest the photos that somebody has favoured.\n\n"
            "USER is an NSID, a user name, a path alias, a flickr.com address, or me."
        ),
        examples=("harvester favorites britishlibrary -o liked",),
    ),
)


def build_command(kind: Named) -> click.Command:
    """The command that harvests it."""

    @click.command(
        kind.name,
        cls=Command,
        short_help=kind.short_help,
        help=kind.help,
        epilog=show_examples(kind.examples),
    )
    @kind.arguments
    @output_options
    @cluster_options
    @update_option
    @job_options
    @harvest_options
    def command(
        *, setup: Setup, named: str, output: str | None, state: str | None, unescape: bool, update: bool, **given: Any
    ) -> Exit:
        rotation = take_rotation(given, has_archive=output is not None)
        job = build_job(kind.build(named, given), given)
        where = read_output(output, state, unescape=unescape, update=update, rotation=rotation)
        check_output(job, where)
        return run_harvest(job, setup.load().settings, output=where, setup=setup)

    return command


def show_examples(lines: Sequence[str]) -> str:
    """The end of a help text, which click is kept from filling."""
    return "\n".join(["\b", "Example:" if len(lines) == 1 else "Examples:", *(f"  {line}" for line in lines)])


account, album, gallery, group, favorites = (build_command(kind) for kind in NAMED_SOURCES)
