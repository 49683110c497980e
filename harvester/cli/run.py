"""`harvester run`."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from harvester.cli.ids import open_ids
from harvester.cli.options import Command, Setup, harvest_options, job_options
from harvester.cli.output import (
    check_output,
    cluster_options,
    output_options,
    read_output,
    take_rotation,
    update_option,
)
from harvester.cli.series import Step, Task, Turn, do_all, harvest_turn
from harvester.config.settings import Config, NamedJob
from harvester.errors import Exit, UsageError
from harvester.jobs.model import Photos
from harvester.jobs.rotation import Rotation

if TYPE_CHECKING:
    from harvester.engine.run import Output


@click.command(
    cls=Command,
    short_help="The jobs of a config file.",
    epilog=(
        "\b\nExamples:\n"
        "  harvester run\n"
        "  harvester run monkeys --config jobs.toml\n"
        "  harvester run monkeys --limit 100 -o try-out\n"
        "  harvester run --dask tcp://scheduler:8786 --store s3://bucket/fleet\n\n"
        "config.example.toml shows all that a config file can say."
    ),
)
@click.argument("job", nargs=-1)
@output_options
@cluster_options
@update_option
@job_options
@harvest_options
def run(
    *,
    setup: Setup,
    job: tuple[str, ...],
    output: str | None,
    state: str | None,
    unescape: bool,
    update: bool,
    **given: Any,
) -> Exit:
    """Run jobs of the config file one after the other, or with --dask side by side; all where none is named.

    A job that ends incomplete, or is told wrong in the file, does not keep back the next, and a table at the end says
    how each ended. The exit code is the worst: stopped (130, 143), then key refused (4), cannot write (5),
    refused (2), incomplete (3), complete (0). Options hold for every job and go before what the file says.
    """
    config = setup.load()
    rotation = take_rotation(given)
    where = None if output is None and state is None else read_output(output, state, unescape=unescape)
    names = choose_jobs(config, job)
    if len(names) > 1:
        _check_shared(len(names), setup=setup, where=where)

    def build(name: str) -> Step | UsageError:
        try:
            named = config.jobs[name]
            turn = _build(named, given, where, file=config.file, unescape=unescape, update=update)
            turn = replace(turn, output=_rotate(turn.output, rotation or named.rotation))
            return Step(turn=turn, settings=setup.load_job(config, named), limits=named.limits)
        except UsageError as error:
            return error

    steps = {name: build(name) for name in names}
    if not any(isinstance(step, Step) and step.settings.api_key for step in steps.values()):
        config.settings.require_key()
    if setup.dask is not None:
        from harvester.cli.fleet import run_fleet  # noqa: PLC0415

        return run_fleet(steps, config, setup=setup)
    return do_all([_build_task(name, step, setup) for name, step in steps.items()], setup.console)


def _check_shared(count: int, *, setup: Setup, where: Output | None) -> None:
    """UsageError for options that only one job can have."""
    if setup.publish is not None:
        raise UsageError(f"{count} jobs cannot share one place; name one job, or set it in the file.", field="publish")
    if where is not None:
        raise UsageError(f"{count} jobs cannot share one; name one job, or set it in the file.", field="output")


def _build_task(name: str, step: Step | UsageError, setup: Setup) -> Task:
    if isinstance(step, UsageError):
        return Task(title=f"Job {name}", start=partial(_refuse, step))
    start = partial(harvest_turn, step.turn, step.settings, setup=setup)
    return Task(title=step.turn.title, start=start, key=step.settings.env_prefix)


def _rotate(output: Output, rotation: Rotation | None) -> Output:
    if rotation is not None and output.folder is None:
        raise UsageError("only an archive has parts: give it an output.", field="rotate")
    return replace(output, rotation=rotation)


def _refuse(error: UsageError) -> NoReturn:
    """The turn of a job that is told wrong in the file."""
    raise error


def choose_jobs(config: Config, names: Sequence[str]) -> list[str]:
    """The named jobs, each once, or all; UsageError where the file has no job of that name."""
    if config.file is None:
        raise UsageError("There is no config file: name one with --config, or write ./harvester.toml.")
    if not config.jobs:
        raise UsageError(f"{config.file} has no jobs; add one as a table such as [jobs.monkeys].")
    for name in names:
        if name not in config.jobs:
            close = difflib.get_close_matches(name, config.jobs, n=1)
            advice = f"did you mean {close[0]}?" if close else f"it has {', '.join(config.jobs)}."
            raise UsageError(f"{config.file} has no job {name!r}; {advice}")
    return list(dict.fromkeys(names or config.jobs))


def _build(
    named: NamedJob, given: dict[str, Any], where: Output | None, *, file: Path | None, unescape: bool, update: bool
) -> Turn:
    """What a job of the file comes to, with the options that were given besides."""
    from harvester.engine.run import Output  # noqa: PLC0415

    job = replace(named.job, **{name: value for name, value in given.items() if value is not None})
    if isinstance(job.source, Photos):
        try:
            job = replace(job, source=Photos(ids=open_ids(job.source.listed, named.ids_from)))
        except UsageError as error:
            raise UsageError(error.sentence, field=f"{file}: jobs.{named.name}.from") from None
    output = where or Output(folder=named.output, state=named.state)
    # --update is for all jobs of the file, also beside such as have nothing to update.
    is_updated = (update or named.update) and output.folder is not None
    output = replace(output, unescape=unescape or named.unescape, update=is_updated, publish=named.publish)
    check_output(job, output)
    return Turn(title=f"Job {named.name}", job=job, output=output)
