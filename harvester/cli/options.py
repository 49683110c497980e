"""The options that commands share, and how they become settings, job and output."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from harvester.auth.token_store import add_login, config_folder
from harvester.cli.console import Console
from harvester.config.readers import MAX_WORKERS
from harvester.config.settings import Config, NamedJob, Settings, load_config
from harvester.config.toml_file import expand_home
from harvester.errors import UsageError
from harvester.flickr.methods import DETAILS, FURTHER, SIZES_FROM
from harvester.jobs.model import Job, Source
from harvester.text.decoding import read_argument

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


_F = TypeVar("_F", bound=Callable[..., Any])
_SETTINGS = ("api_url", "quota", "quota_ledger", "pace", "workers", "give_up_after", "on_complete", "on_trouble")


class Command(click.Command):
    """A command whose options are named by a UsageError about their values: `--tag-mode: …`.

    Texts are UTF-8 in every locale. Names of files stay as the system gave them, or it would not find them.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the command line."""
        rest = super().parse_args(ctx, args)
        for param in self.params:
            if param.name in ctx.params and not str(param.metavar).strip("[.]").endswith(("DIR", "FILE")):
                ctx.params[param.name] = _decode_arguments(ctx.params[param.name])
        return rest

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command."""
        try:
            return super().invoke(ctx)
        except UsageError as error:
            if (name := self.find_option(error.field)) is None:
                raise
            raise UsageError(error.sentence, field=name) from None

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options in their sections."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            if isinstance(param, click.Option) and (row := param.get_help_record(ctx)) is not None:
                sections.setdefault(getattr(param, "section", "Options"), []).append(row)
        for title, rows in sections.items():
            with formatter.section(title):
                formatter.write_dl(rows)

    def find_option(self, field: str | None) -> str | None:
        """The option for a field of the code, if this command has it."""
        options = [p for p in self.params if isinstance(p, click.Option) and field is not None]
        long = f"--{field}".replace("_", "-")
        return next((max(o.opts, key=len) for o in options if o.name == field or long in o.opts), None)


def _decode_arguments(value: Any) -> Any:
    """A given value, or a tuple of such, with its texts as they were typed."""
    if isinstance(value, tuple):
        return tuple(map(_decode_arguments, value))
    return read_argument(value) if isinstance(value, str) else value


class Option(click.Option):
    """An option that help shows in a section."""

    def __init__(self, *args: Any, section: str = "Options", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.section = section


def option(section: str, *names: str, **kwargs: Any) -> Callable[[_F], _F]:
    """An option in a section of help."""
    return click.option(*names, cls=Option, section=section, **kwargs)


class Names(click.types.StringParamType):
    """One of some names. Completes them; whether a given one is good is for the model to say."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:  # noqa: ARG002
        """The names, as help shows them."""
        return "|".join(self.names)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002
        """The names that begin so; for a list, the last of it."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415

        before, comma, last = incomplete.rpartition(",")
        return [CompletionItem(f"{before}{comma}{name}") for name in self.names if name.startswith(last)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What the common options say."""

    console: Console
    config_path: Path | None
    options: Mapping[str, object]
    progress: bool | None
    """None shows it where it does not get into the way of the records."""
    anonymous: bool = False
    """Go without the login that there is."""
    metrics: str | None = None
    metrics_file: str | None = None
    publish: str | None = None
    dask: str | None = None
    store: str | None = None
    """Where the shards of a harvest on a cluster meet."""

    def refuse_publish(self, address: str | None = None) -> None:
        """UsageError where shards are asked for together with a published copy: they are merged first."""
        if (self.publish or address) is not None:
            raise UsageError(
                "shards are merged first; then `harvester resume DIR --publish URL` publishes the archive.",
                field="publish",
            )

    def load(self, *, kept: bool = True) -> Config:
        """Settings and jobs of all sources. Secrets are not shown from here on; warnings are.

        `kept` takes the login of `harvester auth login` where no other is given.
        """
        folder = config_folder()
        config = load_config(
            self.options,
            config_path=self.config_path,
            environ=os.environ,
            cwd=Path(),
            user_folder=folder,
        )
        if self.anonymous:
            config = replace(config, settings=config.settings.without_login())
        elif kept:
            settings, warnings = add_login(config.settings, folder)
            config = replace(config, settings=settings, warnings=(*config.warnings, *warnings))
        self.console.redact.add(config.settings.secrets)
        for warning in config.warnings:
            self.console.warn(warning)
        return config

    def load_job(self, config: Config, named: NamedJob) -> Settings:
        """The settings of a job of the file: with the keys, the quota and the pace that it names as its own."""
        return self.add_login(named.adapt(config.settings, options=self.options, environ=os.environ), config.settings)

    def add_login(self, settings: Settings, known: Settings) -> Settings:
        """Settings whose keys may be others than those that are `known`: with their login, their secrets not shown."""
        if settings.env_prefix == known.env_prefix:
            return settings
        if self.anonymous:
            settings = settings.without_login()
        else:
            settings, warnings = add_login(settings, config_folder())
            for warning in warnings:
                self.console.warn(warning)
        self.console.redact.add(settings.secrets)
        return settings


def decorate(*options: Callable[[_F], _F]) -> Callable[[_F], _F]:
    """Several options as one decorator; help shows them in this order."""

    def apply(function: _F) -> _F:
        for each in reversed(options):
            function = each(function)
        return function

    return apply


def _set_console(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
    """Known at once: errors in what follows are told in the manner that was asked for."""
    if value and isinstance(ctx.obj, Console):
        setattr(ctx.obj, str(param.name), value)
    return value


console_options = decorate(
    option(
        "Messages",
        "--log-format",
        type=click.Choice(["text", "json"]),
        default="text",
        metavar="text|json",
        is_eager=True,
        callback=_set_console,
        help="As text, or as JSON, an event a line.  [default: text]",
    ),
    option(
        "Messages",
        "--log-file",
        metavar="FILE",
        is_eager=True,
        callback=_set_console,
        help="Append all messages and the progress to FILE, too, even with -q.",
    ),
    option("Messages", "-v", "--verbose", is_flag=True, is_eager=True, callback=_set_console, help="Say more."),
    option("Messages", "-q", "--quiet", is_flag=True, is_eager=True, callback=_set_console, help="Say errors only."),
)

_CONFIG = option("Settings", "--config", metavar="FILE", help="Instead of ./harvester.toml or your config folder's.")
_API_URL = option("Settings", "--api-url", metavar="URL", help="Another address of the API, such as a sandbox's.")
_settings_options = decorate(
    _CONFIG,
    option("Settings", "--quota", metavar="CALLS/PERIOD", help="Most calls in any PERIOD, or none.  [default: 3600/h]"),
    option(
        "Settings",
        "--quota-ledger",
        metavar="URL",
        help="Count calls for several machines at redis://HOST:PORT/0.  [default: this machine's]",
    ),
    option("Settings", "--pace", metavar="CALLS/s", help="How fast they may go out, or none.  [default: 5/s]"),
    option("Settings", "--workers", type=int, metavar="N", help=f"Calls at a time, 1 to {MAX_WORKERS}.  [default: 16]"),
    option("Settings", "--give-up-after", metavar="TIME", help="End after an outage so long, as 2h.  [default: never]"),
    _API_URL,
    option("Settings", "--anonymous", is_flag=True, help="Without the login: public photos only."),
    option("Messages", "--progress/--no-progress", default=None, help="Show progress, or notices and the end only."),
    console_options,
)

_notice_options = decorate(
    option(
        "At the end",
        "--on-complete",
        metavar="CMD",
        help="When all is there the shell runs CMD, with JSON for it.",
    ),
    option("At the end", "--on-trouble", metavar="CMD", help="The same after any other end."),
)

_metrics_options = decorate(
    option("Metrics", "--metrics", metavar="HOST:PORT", help="Serve /metrics (Prometheus) and /healthz; as :9400."),
    option(
        "Metrics", "--metrics-file", metavar="FILE", help="The same in FILE, named *.prom for a textfile collector."
    ),
)

_publish_option = option(
    "Output", "--publish", metavar="URL", help="Copy the archive to s3://, gs://, az://, file:// or a folder."
)

_detail = partial(option, "Output", "--detail", help="How much of each photo.  [default: full]")
_rest_of_job = decorate(
    option("Output", "--with", "extras", metavar="A,B", help=f"And, a call each: {', '.join(FURTHER)}."),
    option("Output", "--limit", type=int, metavar="N", help="End after so many photos."),
)
_sizes = option(
    "Output",
    "--sizes",
    type=Names(SIZES_FROM),
    help="Sizes by a call for each photo, or the listing's, for none.  [default: call]",
)
job_options = decorate(_detail(type=Names(DETAILS)), _sizes, _rest_of_job)
photo_job_options = decorate(_detail(type=Names(tuple(d for d in DETAILS if d != "list"))), _rest_of_job)
"""Of photos given by id: they have no listing."""


def settings_options(function: _F) -> _F:
    """The options of every command that calls Flickr as a harvest does; the command gets them as `setup`."""
    return _settings_options(_give_setup(function))  # type: ignore[return-value]


def run_options(function: _F) -> _F:
    """Options of every command that harvests, whatever becomes of what it brings."""
    return decorate(_settings_options, _notice_options, _metrics_options)(_give_setup(function))  # type: ignore[return-value]


def harvest_options(function: _F) -> _F:
    """Options of every command that harvests into an archive."""
    return _publish_option(run_options(function))


def connection_options(function: _F) -> _F:
    """Options of a command that calls Flickr but does not harvest. They come as `setup`, too."""
    return decorate(_CONFIG, _API_URL, console_options)(_give_setup(function))  # type: ignore[return-value]


def _give_setup(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(
        *,
        config: str | None,
        log_format: str,
        log_file: str | None,
        verbose: bool,
        quiet: bool,
        progress: bool | None = None,
        anonymous: bool = False,
        metrics: str | None = None,
        metrics_file: str | None = None,
        publish: str | None = None,
        **given: Any,
    ) -> Any:
        if verbose and quiet:
            raise UsageError("-v and -q say opposite things; use one of them.")
        meeting = given.pop("store", None) if "dask" in given else None
        console = find_console(log_format=log_format, log_file=log_file, verbose=verbose, quiet=quiet)
        setup = Setup(
            console=console,
            config_path=None if config is None else Path(expand_home(config, field="config")),
            options={name: given.pop(name, None) for name in _SETTINGS},
            progress=progress,
            anonymous=anonymous,
            metrics=metrics,
            metrics_file=metrics_file,
            publish=publish,
            dask=given.pop("dask", None),
            store=meeting,
        )
        return function(setup=setup, **given)

    return call


def find_console(**manner: Any) -> Console:
    """The console of this run, set up as the options say."""
    console = click.get_current_context().find_object(Console) or Console()
    for name, value in manner.items():
        setattr(console, name, value)
    return console


def build_job(source: Source, given: Mapping[str, Any]) -> Job:
    """The job of a source and the options that were given."""
    return Job(source=source, **{name: value for name, value in given.items() if value is not None})
