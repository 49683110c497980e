"""Settings come from defaults, file, environment and options, and each wrong one is told by its place."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from harvester.config.readers import API_URL, read_duration
from harvester.config.settings import Config, Settings, load_config, load_settings, read_folder
from harvester.errors import Exit, UsageError
from harvester.jobs.model import Account, Album, Favorites, Gallery, Group, Photos, Search, Source
from harvester.quota.rate import Rate
from support.harvest import KEY


def load(text: str, tmp_path: Path, *, environ: dict[str, str] | None = None, **options: object) -> Config:
    (tmp_path / "harvester.toml").write_text(text, encoding="utf-8")
    (tmp_path / "harvester.toml").chmod(0o600)
    return load_config(options, environ=environ or {}, cwd=tmp_path)


def complaint(text: str, tmp_path: Path, **given: object) -> str:
    """What is said about a file, without the folder it is in."""
    with pytest.raises(UsageError) as caught:
        list(load(text, tmp_path, **given).jobs.values())  # type: ignore[arg-type]
    assert caught.value.exit_code == Exit.USAGE
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(f"{tmp_path}/", "")


def test_without_anything_the_defaults_hold(tmp_path: Path) -> None:
    config = load_config({}, environ={}, cwd=tmp_path)
    assert config.settings == Settings()
    assert (config.file, config.jobs, config.warnings) == (None, {}, ())
    assert config.settings.api_url == API_URL
    assert (config.settings.quota, config.settings.pace) == (Rate(3600, 3600), Rate(5, 1))
    assert (config.settings.workers, config.settings.give_up_after) == (16, None)


def test_options_go_before_the_environment_and_that_before_the_file(tmp_path: Path) -> None:
    text = '[flickr]\napi_url = "http://file/"\n[limits]\npace = "1/s"\nworkers = 2\nquota = "none"\n'
    environ = {"FLICKR_API_URL": "http://environment/", "FLICKR_API_KEY": KEY}
    settings = load(text, tmp_path).settings
    assert (settings.api_url, settings.quota, settings.workers) == ("http://file/", None, 2)
    settings = load(text, tmp_path, environ=environ).settings
    assert (settings.api_url, settings.api_key, settings.workers) == ("http://environment/", KEY, 2)
    settings = load(text, tmp_path, environ=environ, api_url="http://option/", workers=3, pace=None).settings
    assert (settings.api_url, settings.workers, settings.pace) == ("http://option/", 3, Rate(1, 1))


def test_an_empty_variable_is_none(tmp_path: Path) -> None:
    assert load_settings({}, environ={"FLICKR_API_KEY": "  "}, cwd=tmp_path).api_key is None


def test_a_key_is_taken_without_the_blanks_around_it(tmp_path: Path) -> None:
    assert load_settings({}, environ={"FLICKR_API_KEY": f" {KEY}\n"}, cwd=tmp_path).api_key == KEY


def test_the_named_file_goes_before_the_folders_and_the_folder_before_the_users(tmp_path: Path) -> None:
    here, home, named = tmp_path / "here", tmp_path / "home", tmp_path / "named.toml"
    for folder, workers in ((here, 1), (home, 2)):
        folder.mkdir()
        (folder / "harvester.toml").write_text(f"[limits]\nworkers = {workers}")
    named.write_text("[limits]\nworkers = 3")

    def count(**given: Path) -> int:
        return load_settings({}, environ={}, **{"cwd": tmp_path, **given}).workers

    assert count(config_path=named, cwd=here, user_folder=home) == 3
    assert count(cwd=here, user_folder=home) == 1
    assert count(user_folder=home) == 2
    assert count() == 16


def test_secrets_show_in_no_repr() -> None:
    settings = Settings(api_key=KEY, api_secret="abcdef123", oauth_token="token-1", oauth_token_secret="s-1")
    assert not any(secret in repr(settings) for secret in settings.secrets)
    assert settings.secrets == (KEY, "abcdef123", "token-1", "s-1")


def test_without_a_key_the_sentence_says_where_to_get_one() -> None:
    with pytest.raises(UsageError, match=r"flickr\.com/services/apps/create/.*FLICKR_API_KEY"):
        Settings().require_key()
    assert Settings(api_key=KEY).require_key() == KEY


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("limit = 1", "harvester.toml: limit: there is no such setting; did you mean limits?"),
        ("[limits]\npase = 1", "harvester.toml: limits.pase: there is no such setting; did you mean pace?"),
        ("[limits]\nxyz = 1", "known are quota, quota_ledger, pace, workers, give_up_after."),
        ("limits = 3", "harvester.toml: limits: this takes a table, not a whole number."),
        ('[limits]\nworkers = "a"', "limits.workers: this takes a whole number, not text in quotes."),
        ("[limits]\nworkers = 1.5", "limits.workers: this takes a whole number, not a number with a fraction."),
        ("[limits]\nworkers = true", "limits.workers: this takes a whole number, not true or false."),
        ("[limits]\nworkers = 0", "limits.workers: 0 is not a number of workers; use 1 to 1000."),
        ("[limits]\npace = 5", "limits.pace: this takes text in quotes, not a whole number."),
        ('[limits]\npace = "foo"', "limits.pace: 'foo' is no rate"),
        ('[limits]\ngive_up_after = "1x"', "limits.give_up_after: '1x' is not a length of time"),
        ("[limits]\ngive_up_after = true", "this takes a number or text in quotes, not true or false."),
        ('[flickr]\napi_url = "flickr.com"', "flickr.api_url: 'flickr.com' is not the address of an API"),
        ("jobs = 1", "jobs: this takes a table, not a whole number."),
        ('[jobs.x]\ntags = "a"', 'jobs.x.source: say what to harvest: source = one of "search", "account",'),
        ('[jobs.x]\nsource = "foo"', 'jobs.x.source: \'foo\' is not known; use "search", "account",'),
        ('[jobs.x]\nsource = "search"', "jobs.x: A search needs at least one filter"),
        ('[jobs.x]\nsource = "search"\ntag = "a"', "jobs.x.tag: there is no such setting; did you mean tags?"),
        ('[jobs.x]\nsource = "search"\ntags = ["a", 1]', "jobs.x.tags: this takes text in quotes"),
        (
            '[jobs.x]\nsource = "search"\ntags = "a"\ntag_mode = "or"',
            "jobs.x.tag_mode: 'or' is not known; use any, all.",
        ),
        ('[jobs.x]\nsource = "search"\ntags = "a"\nwith = "foo"', "jobs.x.with: 'foo' is not known; use exif"),
        ('[jobs.x]\nsource = "search"\ntags = "a"\nextras = "foo"', "jobs.x.extras: there is no such setting"),
        ('[jobs.x]\nsource = "search"\nmin_upload_date = [1]', "jobs.x.min_upload_date: write a date"),
        ('[jobs.x]\nsource = "search"\nmin_upload_date = true', "jobs.x.min_upload_date: write a date"),
        ('[jobs.x]\nsource = "search"\nmin_upload_date = 07:30:00', "jobs.x.min_upload_date: write a date"),
        ('[jobs.x]\nsource = "search"\nmin_upload_date = "soon"', "jobs.x.min_upload_date: 'soon' is not a date"),
        ('[jobs.x]\nsource = "search"\ntags = "a"\nlimit = 0', "jobs.x.limit: 0 is not a number of photos"),
        ('[jobs.x]\nsource = "search"\ntags = "a"\noutput = "a.ndjson"', "jobs.x.output: 'a.ndjson' is a file's name"),
        ('[jobs.x]\nsource = "search"\ntags = "a"\nstate = ""', "jobs.x.state: name a folder"),
        ('[jobs.x]\nsource = "search"\ntags = "a"\nparams = { x = [1] }', "jobs.x.params: this takes"),
        (
            '[jobs.x]\nsource = "search"\ntags = "a"\nparams = { page = 1 }',
            "jobs.x.params: 'page' is the harvester's own",
        ),
        ('[jobs.x]\nsource = "photos"', "jobs.x.ids: name photos, or with `from` a file of them."),
        ('[jobs.x]\nsource = "photos"\nids = ["foo/x"]', "jobs.x.ids: 'foo/x' is not the address of a photo"),
        (
            '[jobs.x]\nsource = "photos"\nids = [1]\ndetail = "list"',
            "jobs.x.detail: photos given by id have no listing",
        ),
        ('[jobs.x]\nsource = "album"', "jobs.x.album: this is missing, and is what the job is about."),
        ('[jobs.x]\nsource = "album"\nalbum = "x"', "jobs.x.album: 'x' is not the id of an album"),
        ('[jobs.x]\nsource = "album"\nalbum = "flickr.com/groups/x"', "jobs.x.album: 'flickr.com/groups/x' is the"),
        ('[jobs.x]\nsource = "gallery"\ngallery = true', "jobs.x.gallery: this takes a whole number or text in quotes"),
        ('[jobs.x]\nsource = "account"\nuser = "a"\nonly = "foo"', "jobs.x.only: 'foo' is not known; use person"),
        (
            '[jobs.x]\nsource = "account"\nuser = "a"\nskip = "favorites"\nhydrate = "favorites"',
            "jobs.x.hydrate: favorites are not among the kinds",
        ),
        ('[jobs.x]\nsource = "favorites"\nuser = ""', "jobs.x.user: name a user"),
        ('[jobs.x]\nsource = "get"\nurl = "example.com/1"', "jobs.x.url: 'example.com/1' is no address"),
        (
            '[jobs.x]\nsource = "get"\nurl = "flickr.com/search/?foo=1"',
            "jobs.x.url: in 'flickr.com/search/?foo=1', foo:",
        ),
        ("[flickr", "harvester.toml is not TOML: "),
    ],
)
def test_a_wrong_setting_is_one_sentence_with_place_and_advice(text: str, sentence: str, tmp_path: Path) -> None:
    said = complaint(text, tmp_path)
    assert sentence in said
    assert said.startswith("harvester.toml")


@pytest.mark.parametrize(
    ("options", "environ", "place"),
    [
        ({"pace": "foo"}, {}, "pace: "),
        ({"workers": 100_000}, {}, "workers: "),
        ({"quota": "0/h"}, {}, "quota: "),
        ({}, {"FLICKR_API_URL": "http://[x/"}, "FLICKR_API_URL: "),
        ({}, {"FLICKR_API_URL": "http://host:99999/"}, "FLICKR_API_URL: "),
        ({}, {"FLICKR_API_URL": "https://api.flickr.com/?a=b"}, "FLICKR_API_URL: "),
    ],
)
def test_a_wrong_value_is_told_by_option_or_variable(
    options: dict[str, object], environ: dict[str, str], place: str, tmp_path: Path
) -> None:
    assert complaint("", tmp_path, environ=environ, **options).startswith(place)


def test_a_malformed_key_is_not_shown(tmp_path: Path) -> None:
    said = complaint("", tmp_path, environ={"FLICKR_API_KEY": "my secret key"})
    assert said.startswith("FLICKR_API_KEY: ")
    assert "secret key" not in said


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_a_file_is_read_as_windows_editors_save_it(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "harvester.toml"
    path.write_bytes('[jobs.a]\r\nsource = "search"\r\ntext = """снег\r\nice"""\r\n'.encode(encoding))
    job = load_config({}, environ={}, cwd=tmp_path).jobs["a"].job
    assert isinstance(job.source, Search)
    assert job.source.text == "снег\nice"


def test_a_tilde_is_the_home_folder_which_no_shell_expands_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "harvester.toml").write_text(
        '[jobs.a]\nsource = "search"\ntags = "x"\noutput = "~/a"\n'
        '[jobs.b]\nsource = "search"\ntags = "x"\nstate = "~"\n'
        '[jobs.c]\nsource = "search"\ntags = "x"\noutput = "~nobody-of-that-name"\n'
    )
    jobs = load_config({}, environ={}, cwd=tmp_path).jobs
    assert (jobs["a"].output, jobs["b"].state) == (tmp_path / "a", tmp_path)
    assert jobs["c"].output == Path("~nobody-of-that-name")


def test_a_tilde_without_a_home_folder_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.path.expanduser", str)
    with pytest.raises(UsageError, match=r"^output: '~/a' begins with the home folder, and there is none: set HOME"):
        read_folder("~/a", field="output")


def test_a_quota_is_counted_by_key_and_host() -> None:
    def name(url: str, key: str = KEY) -> str:
        return Settings(api_key=key, api_url=url).name_account()

    assert name(API_URL) == name("http://www.flickr.com/services/rest/") == KEY
    elsewhere = [
        name(API_URL, "other"),
        name("http://127.0.0.1:8765/services/rest/"),
        name("http://127.0.0.1:8766/services/rest/"),
        name("http://localhost:8765/services/rest/"),
        name("https://flickr.com.example.org/services/rest/"),
        name("https://notflickr.com/services/rest/"),
    ]
    assert len({KEY, *elsewhere}) == 7


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    def said(path: Path) -> str:
        with pytest.raises(UsageError) as caught:
            load_config({}, config_path=path, environ={}, cwd=tmp_path)
        return str(caught.value)

    assert "there is no file" in said(tmp_path / "nope.toml")
    assert "is a folder; name the TOML file in it." in said(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b'x = "\xff"')
    assert "it is not UTF-8 text" in said(tmp_path / "latin.toml")


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "x.toml").touch()
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(UsageError, match=r"x\.toml cannot be read: Permission denied\."):
        load_config({}, config_path=tmp_path / "x.toml", environ={}, cwd=tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_secret_that_others_can_read_is_warned_about(tmp_path: Path) -> None:
    file = tmp_path / "harvester.toml"
    for text, mode, warned in (
        (f'[flickr]\napi_key = "{KEY}"', 0o644, True),
        (f'[flickr]\noauth_token_secret = "{KEY}"', 0o640, True),
        (f'[flickr]\napi_key = "{KEY}"', 0o600, False),
        ("[limits]\nworkers = 3", 0o644, False),
    ):
        file.write_text(text)
        file.chmod(mode)
        warnings = load_config({}, environ={}, cwd=tmp_path).warnings
        assert bool(warnings) is warned
        assert all(f"`chmod 600 {file}` fixes that." in line and KEY not in line for line in warnings)


def test_jobs_come_with_dates_of_toml_and_relative_folders(tmp_path: Path) -> None:
    config = load(
        """
        [jobs.monkeys]
        source = "search"
        tags = ["monkey", "chimp"]
        min_upload_date = 2009-12-01
        max_upload_date = 2010-01-01T00:00:00Z
        license = ["cc-by", 9]
        bbox = [-1, 50.5, 1, 52]
        params = { is_commons = 1 }
        detail = "info"
        with = ["exif"]
        limit = 10
        output = "archives/monkeys"

        [jobs.cards]
        source = "photos"
        ids = [123, "https://www.flickr.com/photos/x/456/"]
        from = "more.txt"
        """,
        tmp_path,
    )
    monkeys, cards = config.jobs["monkeys"], config.jobs["cards"]
    assert isinstance(monkeys.job.source, Search)
    assert monkeys.job.source.min_upload_date == date(2009, 12, 1)
    assert monkeys.job.source.max_upload_date == datetime(2010, 1, 1, tzinfo=UTC)
    assert monkeys.job.source.arguments["is_commons"] == "1"
    assert monkeys.job.parts == ("info", "exif")
    assert (monkeys.job.limit, monkeys.output) == (10, Path("archives/monkeys"))
    assert isinstance(cards.job.source, Photos)
    assert (list(cards.job.source.listed), cards.ids_from, cards.output) == (["123", "456"], "more.txt", None)


@pytest.mark.parametrize(
    ("table", "source"),
    [
        ('source = "account"\nuser = "me"\nskip = ["contacts"]', Account(user="me", skip=["contacts"])),
        ('source = "album"\nalbum = 72157628959784871', Album(album="72157628959784871")),
        ('source = "gallery"\ngallery = "https://flic.kr/y/2Xry4Jt"', Gallery(gallery="72157690638331410")),
        ('source = "group"\ngroup = "flickr.com/groups/slovenia"', Group(group="slovenia")),
        ('source = "favorites"\nuser = "flickr.com/photos/1@N01/"', Favorites(user="1@N01")),
        ('source = "get"\nurl = "flickr.com/people/1@N01/"', Account(user="1@N01")),
    ],
)
def test_jobs_of_every_source(table: str, source: Source, tmp_path: Path) -> None:
    config = load(f'[jobs.x]\n{table}\ndetail = "info"\noutput = "x"', tmp_path)
    job = config.jobs["x"].job
    assert (job.source.describe(), job.detail) == (source.describe(), "info")


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("1.5h", 5400), ("30 m", 1800), ("1d", 86400), (45, 45), ("never", None)]
)
def test_lengths_of_time(text: object, seconds: float | None) -> None:
    assert read_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "-1", "0", "1y", "1e9", "inf", "9" * 20])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a length of time"):
        read_duration(text)


@pytest.mark.parametrize("name", ["x.ndjson", "x.ndjson.gz", "x.JSON", "dir/x.jsonl", "x.csv"])
def test_a_name_that_looks_like_a_files_is_refused_with_what_to_type(name: str) -> None:
    with pytest.raises(UsageError, match="a file's name, and an archive is a folder: write ") as caught:
        read_folder(name, field="output")
    assert f"write > {name} " in str(caught.value)


def test_folders_with_dots_are_folders_and_files_are_not(tmp_path: Path) -> None:
    assert read_folder("archive.2024", field="output") == Path("archive.2024")
    (tmp_path / "x.json").mkdir()
    assert read_folder(str(tmp_path / "x.json"), field="output").is_dir()
    (tmp_path / "plain").touch()
    with pytest.raises(UsageError, match="is a file, and an archive is a folder: name another"):
        read_folder(str(tmp_path / "plain"), field="output")
