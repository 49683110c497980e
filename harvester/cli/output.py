"""The options that say where records go, and what they come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harvester.cli.options import Names, decorate, option
from harvester.config.settings import read_folder
from harvester.errors import UsageError
from harvester.jobs.model import Account, Job
from harvester.jobs.rotation import PACKINGS, Rotation, choose_rotation

if TYPE_CHECKING:
    from harvester.engine.run import Output

rotation_options = decorate(
    option("Output", "--rotate", metavar="N|SIZE", help="Close a part of the archive every N photos, or SIZE (256MB)."),
    option("Output", "--compress", type=Names(PACKINGS), help="How closed parts are packed.  [default: zstd]"),
)

cluster_options = decorate(
    option(
        "Many machines", "--dask", metavar="ADDRESS", help="On the workers of a Dask cluster, or local:N processes."
    ),
    option("Many machines", "--store", metavar="STORE", help="Where their shards meet: a shared folder, or s3://…."),
)
"""Those of commands that can harvest on many machines."""

output_options = decorate(
    option("Output", "-o", "--output", metavar="DIR", help="The archive; else records go to standard output."),
    option("Output", "--state", metavar="DIR", help="Keeps track of what went to standard output: resumable."),
    option(
        "Output", "--unescape", is_flag=True, help="Write letters, as grep needs them, where Flickr sends \\u escapes."
    ),
    rotation_options,
)

update_option = option("Output", "--update", is_flag=True, help="Where the archive is complete: bring it up to date.")


def take_rotation(given: dict[str, Any], *, has_archive: bool = True) -> Rotation | None:
    """What `--rotate` and `--compress` say, taken out of what was given; None where they say nothing."""
    return choose_rotation(given.pop("rotate"), given.pop("compress"), has_archive=has_archive)


def read_output(
    output: str | None,
    state: str | None,
    *,
    unescape: bool,
    update: bool = False,
    rotation: Rotation | None = None,
) -> Output:
    """Build the Output that these options ask for."""
    from harvester.engine.run import Output  # noqa: PLC0415

    if output is not None and state is not None:
        raise UsageError("an archive keeps track of itself; leave --state out, or -o.", field="state")
    if update and output is None:
        raise UsageError("only an archive can be brought up to date: name its folder with -o.", field="update")
    return Output(
        folder=None if output is None else read_folder(output, field="output"),
        state=None if state is None else read_folder(state, field="state"),
        unescape=unescape,
        update=update,
        rotation=rotation,
    )


def check_output(job: Job, output: Output) -> None:
    """UsageError where there is more to write than photos, and no archive to write it to."""
    if isinstance(job.source, Account) and job.source.kinds != ("photos",) and output.folder is None:
        raise UsageError(
            "an account is more than photos, so it needs an archive: name a folder with -o. To have its photos alone "
            "on standard output, use harvester account USER --only photos.",
            field="output",
        )
