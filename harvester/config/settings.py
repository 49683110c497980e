"""Settings, and where they come from: defaults < config file < environment < options.

Each value is read where it stands, so that a wrong one is told by its place: `--pace`, `FLICKR_API_URL`,
`harvester.toml: limits.pace`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from harvester.config.readers import API_URL, READERS, SECRETS
from harvester.config.toml_file import ConfigFile, JobTable, expand_home, read_config_file
from harvester.errors import UsageError
from harvester.jobs.model import SOURCES, Job, Photos, Source
from harvester.jobs.rotation import Rotation, choose_rotation
from harvester.jobs.urls import NAMED, parse_photo, read_named, read_url
from harvester.quota.place import Place
from harvester.quota.rate import Rate

KEY_PAGE = "https://www.flickr.com/services/apps/create/"
APPS_PAGE = "https://www.flickr.com/services/apps/"
ENV_PREFIX = "FLICKR"
ENVIRONMENT: Mapping[str, str] = MappingProxyType(
    {f"{ENV_PREFIX}_{name.upper()}": name for name in (*SECRETS, "api_url")}
    | {"HARVESTER_QUOTA_LEDGER": "quota_ledger"}
)

_FILE_SUFFIXES = frozenset(
    ".ndjson .jsonl .json .csv .tsv .txt .parquet .sqlite .db .gz .zst .bz2 .xz .zip .tar .html .toml".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What holds for a run, whatever its job. Key, secrets and tokens show in no repr."""

    api_key: str | None = field(default=None, repr=False)
    api_secret: str | None = field(default=None, repr=False)
    oauth_token: str | None = field(default=None, repr=False)
    oauth_token_secret: str | None = field(default=None, repr=False)
    env_prefix: str = ENV_PREFIX
    """How the variables of the environment begin that hold the four."""
    api_url: str = API_URL
    quota: Rate | None = Rate.parse("3600/h")  # noqa: RUF009  (a Rate is frozen)
    """Calls that the key may make in any window of so long; None lifts the limit."""
    pace: Rate | None = Rate.parse("5/s")  # noqa: RUF009
    """How fast they may go out inside of it."""
    quota_ledger: Place | None = None
    """Where the calls are counted for several machines; None counts those of this machine's processes."""
    workers: int = 16
    give_up_after: float | None = None
    """Seconds of outage after which the run stops; None waits for as long as it takes."""
    on_complete: str | None = None
    on_trouble: str | None = None
    """Commands for the shell that are told how a run has ended."""
    direct: bool = False
    """Whether calls pass by the environment's proxy, as those to a server in this process do."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """All that must never be shown."""
        place = self.quota_ledger.secrets if self.quota_ledger else ()
        return *(value for name in SECRETS if (value := getattr(self, name))), *place

    def require_key(self) -> str:
        """The API key; UsageError that says how to get one where there is none, or what is missing of a login."""
        if not self.api_key:
            raise UsageError(
                f"There is no API key: get one at {KEY_PAGE} and put it into the environment variable "
                f"{self.env_prefix}_API_KEY"
                + (", or as api_key under [flickr] into harvester.toml." if self.env_prefix == ENV_PREFIX else ".")
            )
        self._check_login()
        return self.api_key

    def name_account(self) -> str:
        """What a quota counts the calls of: the key, at the API's host. All of Flickr's hosts count as one."""
        parts = urlsplit(self.api_url.strip())
        host = (parts.hostname or "").rstrip(".")
        key = (self.api_key or "").strip()
        is_flickr = host == "flickr.com" or host.endswith(".flickr.com")
        # Flickr's ledgers are named by the key alone, as they were before other hosts had their own.
        return key if is_flickr else f"{key} {host}:{parts.port or ''}"

    @property
    def has_login(self) -> bool:
        """Whether calls are signed with a login."""
        return self.oauth_token is not None

    def without_login(self) -> Settings:
        """The same settings without a login."""
        return replace(self, oauth_token=None, oauth_token_secret=None)

    def take_keys(self, environ: Mapping[str, str], prefix: str) -> Settings:
        """The same settings with the key, secrets and tokens of the variables that begin with another prefix.

        None of what was there is kept: a key works with its own secret and login only.
        """
        if prefix == self.env_prefix:
            return self
        variables = {f"{prefix}_{name.upper()}": name for name in SECRETS}
        none: dict[str, Any] = dict.fromkeys(SECRETS)
        return replace(self, **{**none, **_read_environment(environ, variables), "env_prefix": prefix})

    def _check_login(self) -> None:
        prefix = self.env_prefix
        if (self.oauth_token is None) != (self.oauth_token_secret is None):
            raise UsageError(
                f"An OAuth token works with its own secret only: give both, {prefix}_OAUTH_TOKEN and "
                f"{prefix}_OAUTH_TOKEN_SECRET, or neither."
            )
        if self.has_login and not self.api_secret:
            raise UsageError(
                f"A login signs with the key's secret, and there is none: put it into {prefix}_API_SECRET ({APPS_PAGE} "
                "shows it beside the key), or go without the login."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedJob:
    """A job of a config file. Relative paths in it start from the current folder, like those of options."""

    name: str
    job: Job
    ids_from: str | None = None
    """A file whose lines are photo ids, beside those that the job names; `-` is standard input."""
    output: Path | None = None
    state: Path | None = None
    unescape: bool = False
    update: bool = False
    rotation: Rotation | None = None
    publish: str | None = None
    env_prefix: str = ENV_PREFIX
    """How the variables of the environment begin that hold its key, secrets and tokens."""
    limits: Mapping[str, str] = field(default_factory=dict)
    """Its own quota and pace, as the file has them."""

    def adapt(self, settings: Settings, *, options: Mapping[str, object], environ: Mapping[str, str]) -> Settings:
        """The settings with the job's own quota, pace and keys. What is given as an option goes before the file."""
        own = {name: READERS[name](value) for name, value in self.limits.items() if options.get(name) is None}
        return replace(settings, **own).take_keys(environ, self.env_prefix)


class Jobs(Mapping[str, NamedJob]):
    """The jobs of a config file by name. Each is read when it is asked for, so a wrong one keeps back no other."""

    def __init__(self, file: ConfigFile | None) -> None:
        self._file = file

    def __getitem__(self, name: str) -> NamedJob:
        """The job; UsageError where the file says something wrong of it."""
        if self._file is None:
            raise KeyError(name)
        return _build_job(self._file, name, self._file.read_job(name))

    def __contains__(self, name: object) -> bool:
        """Whether the file has a job of that name, a wrong one too."""
        return self._file is not None and name in self._file.jobs

    def __iter__(self) -> Iterator[str]:
        """The names, in the order of the file."""
        return iter(() if self._file is None else self._file.jobs)

    def __len__(self) -> int:
        """How many there are, wrong ones too."""
        return 0 if self._file is None else len(self._file.jobs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All that was configured. `warnings` are sentences for the user."""

    settings: Settings
    jobs: Mapping[str, NamedJob]
    file: Path | None
    warnings: tuple[str, ...] = ()


def load_config(
    options: Mapping[str, object],
    *,
    config_path: Path | None = None,
    environ: Mapping[str, str],
    cwd: Path,
    user_folder: Path | None = None,
) -> Config:
    """Settings and jobs of all sources. `options` holds raw values by field; those that are None were not given.

    The file is `config_path`, else `harvester.toml` in `cwd`, else in `user_folder`.
    """
    file = read_config_file(config_path, places=[p for p in (cwd, user_folder) if p is not None])
    found: dict[str, Any] = {}
    if file is not None:
        found |= _read_layer(file.settings, name_place=file.name_place)
    found |= _read_environment(environ)
    found |= _read_layer({name: value for name, value in options.items() if value is not None}, name_place=str)
    return Config(
        settings=Settings(**found),
        jobs=Jobs(file),
        file=None if file is None else file.path,
        warnings=() if file is None else file.warnings(SECRETS),
    )


def load_settings(
    options: Mapping[str, object],
    *,
    config_path: Path | None = None,
    environ: Mapping[str, str],
    cwd: Path,
    user_folder: Path | None = None,
) -> Settings:
    """The settings alone, of the same sources as `load_config`."""
    found = load_config(options, config_path=config_path, environ=environ, cwd=cwd, user_folder=user_folder)
    return found.settings


def read_settings(given: Mapping[str, object], *, environ: Mapping[str, str]) -> Settings:
    """The settings that are given, and those of the environment for what is not. UsageError names a wrong one."""
    return Settings(**{**_read_environment(environ), **_read_layer(given, name_place=str)})


def _read_environment(environ: Mapping[str, str], names: Mapping[str, str] = ENVIRONMENT) -> dict[str, Any]:
    """What the variables hold that are set. `names` are the fields by their variables."""
    variables = {name: variable for variable, name in names.items()}
    values = {name: environ[variable] for name, variable in variables.items() if environ.get(variable, "").strip()}
    return _read_layer(values, name_place=variables.__getitem__)


def _read_layer(values: Mapping[str, object], *, name_place: Callable[[str], str]) -> dict[str, Any]:
    """The given values of one source, read; a wrong one is told by its place there."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        try:
            found[name] = READERS[name](value)
        except UsageError as error:
            raise UsageError(error.sentence, field=name_place(name)) from None
    return found


def read_folder(text: str, *, field: str, has_stream: bool = True) -> Path:
    """The folder for an archive or a state; UsageError with what to type where a file seems to be meant.

    `has_stream` says that records go to standard output where no folder is named.
    """
    path = Path(expand_home(text, field=field))
    if not text.strip() or text == "-":
        told = ", or leave it out: then records go to standard output" if has_stream else " for the archive"
        raise UsageError(f"name a folder{told}.", field=field)
    if path.is_dir():
        return path
    if path.exists():
        raise UsageError(
            f"{text!r} is a file, and an archive is a folder: name another"
            + (f", or leave it out and write >> {text} to add to one stream of records." if has_stream else "."),
            field=field,
        )
    if path.suffix.lower() in _FILE_SUFFIXES:
        stem = path.with_name(path.name.split(".", 1)[0])
        raise UsageError(
            f"{text!r} is a file's name, and an archive is a folder: write {str(stem)!r} for a folder"
            + (f", or leave it out and write > {text} for one stream of records." if has_stream else "."),
            field=field,
        )
    return path


def _build_job(file: ConfigFile, name: str, table: JobTable) -> NamedJob:
    """The job of a table; a wrong value is told by `FILE: jobs.NAME.FIELD`."""
    given = table.given()
    common = {key: given.pop(key) for key in ("detail", "sizes", "extras", "limit") if key in given}
    unescape, update = given.pop("unescape", False), given.pop("update", False)
    rotate, compress = given.pop("rotate", None), given.pop("compress", None)
    output, state, ids_from, publish = (given.pop(key, None) for key in ("output", "state", "ids_from", "publish"))
    env_prefix = given.pop("env_prefix", ENV_PREFIX)
    limits: dict[str, str] = {key: given.pop(key) for key in ("quota", "pace") if key in given}
    _read_layer(limits, name_place=partial(file.name_place, job=name))
    try:
        _check_prefix(env_prefix)
        _check_archive(table.source, output, update=update, publish=publish)
        source = _build_source(table.source, given, ids_from=ids_from)
        return NamedJob(
            name=name,
            job=Job(source=source, **common),
            ids_from=ids_from,
            output=None if output is None else read_folder(output, field="output"),
            state=None if state is None else read_folder(state, field="state"),
            unescape=unescape,
            update=update,
            rotation=choose_rotation(rotate, compress, has_archive=output is not None),
            publish=publish,
            env_prefix=env_prefix,
            limits=limits,
        )
    except UsageError as error:
        raise UsageError(error.sentence, field=file.name_place(error.field, job=name)) from None


def _check_prefix(prefix: str) -> None:
    """UsageError where it cannot begin the name of a variable. It is not shown: it may be the key itself."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,30}", prefix, re.ASCII):
        raise UsageError(
            "name the beginning of variables, not a key: with PARTNER the key is in PARTNER_API_KEY.",
            field="env_prefix",
        )


def _check_archive(kind: str, output: str | None, *, update: bool, publish: str | None) -> None:
    if publish is not None and output is None:
        raise UsageError("only an archive can be published: name its folder as `output`.", field="publish")
    if update and kind == "photos":
        raise UsageError("photos given by id are in no listing that tells what is new; leave it out.", field="update")
    if update and output is None:
        raise UsageError("only an archive can be brought up to date: name its folder as `output`.", field="update")


def _build_source(kind: str, given: Mapping[str, Any], *, ids_from: str | None) -> Source:
    if kind == "photos":
        return _build_photos(**given, ids_from=ids_from)
    if kind not in (*NAMED, "get"):
        return SOURCES[kind](**given)
    field = NAMED.get(kind, "url")
    try:
        if kind == "get":
            return read_url(given["url"])
        return SOURCES[kind](**{**given, field: read_named(str(given[field]), kind)})
    except UsageError as error:
        raise UsageError(error.sentence, field=error.field or field) from None


def _build_photos(*, ids: Sequence[str | int] = (), ids_from: str | None) -> Photos:
    if not ids and ids_from is None:
        raise UsageError("name photos, or with `from` a file of them.", field="ids")
    try:
        return Photos(ids=tuple(parse_photo(str(text)) for text in ids))
    except UsageError as error:
        raise UsageError(error.sentence, field="ids") from None
