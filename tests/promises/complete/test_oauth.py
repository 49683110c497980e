"""Signed harvests: what is signed, whose photos come, and what happens when the login goes, over real HTTP."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harvester import Flickr, Search
from harvester.auth.handshake import NOWHERE, OAuthCallback, begin_login, finish_login, serve_callback
from harvester.config.settings import Settings, load_config
from harvester.engine.estimate import estimate_job
from harvester.engine.identity import NOT_LOGGED_IN
from harvester.errors import KeyRefused, TryLater, Unreachable, UsageError
from harvester.events import Event, Noticed, Summary
from harvester.flickr.failures import check_status
from harvester.flickr.methods import build_prefix, build_query
from harvester.flickr.oauth import build_login_prefix, build_signer
from harvester.jobs.model import Account, Job, Photos
from harvester.sandbox.faults import Faults
from harvester.sandbox.oauth import Signed, build_base_string, read_header, secret_of, sign
from harvester.sandbox.server import Sandbox
from harvester.sandbox.wire import Reply, Request
from support.archives import read_lines
from support.harvest import KEY, Opener, harvest_into, settings_for

SECRET = secret_of(KEY)


class Owner:
    """The first owner of a sandbox with private photos, and two more people."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.people = sandbox.catalogue.people
        self.nsid = self.people[0].nsid

    def login(self, person: int = 0) -> dict[str, Any]:
        """Settings with a new token."""
        token, secret = self.sandbox.authority.grant(self.people[person])
        return {"api_secret": SECRET, "oauth_token": token, "oauth_token_secret": secret}

    def settings(self, person: int = 0, **given: Any) -> Settings:
        """Logged in, with a new token."""
        return settings_for(self.sandbox, **{**self.login(person), **given})

    async def harvest(self, folder: Path, settings: Settings, *, events: list[Event] | None = None) -> Summary:
        """All photos of the owner."""
        job = Job(source=Search(user=self.nsid), detail="info")
        fields = ("api_secret", "oauth_token", "oauth_token_secret", "workers")
        return await harvest_into(
            folder, self.sandbox, job, events=events, **{name: getattr(settings, name) for name in fields}
        )

    def ids(self, *, private: bool) -> list[str]:
        """Of the owner's photos, all or the public ones."""
        catalogue = self.sandbox.catalogue
        own = [n for n in range(len(catalogue)) if catalogue.owners[n] == 0]
        return sorted(str(catalogue.id_of(n)) for n in own if private or not catalogue.is_private(n))


@pytest.fixture
async def owner(sandbox_of: Opener) -> AsyncIterator[Owner]:
    async with sandbox_of(private=0.3, even=True) as sandbox:
        yield Owner(sandbox)


def ids_in(folder: Path) -> list[str]:
    return sorted(line["id"] for line in read_lines(folder / "photos.ndjson"))


def manifest_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads((folder / "manifest.json").read_bytes())
    return found


# -- signatures


def test_the_signature_is_that_of_the_specifications_example() -> None:
    signer = build_signer(
        "dpf43f3p2l4k3l03",
        "kd94hf93k423kf44",
        token="nnch734d00sl2jdk",
        token_secret="pfkkdhi9sl3r4s00",
        now=lambda: 1191242096,
        nonce="kllo9940pd9333jh",
    )
    header = signer("http://photos.example.net/photos?file=vacation.jpg&size=original")["Authorization"]
    assert read_header(header)["oauth_signature"] == "tR3+Ty81lMeYAr/Fid0kMTYa/WM="


def test_the_base_string_is_that_of_flickrs_documentation() -> None:
    fixed = {"nonce": "95613465", "callback_uri": "http://www.example.com"}
    url = "http://www.flickr.com/services/oauth/request_token"
    params = read_header(
        build_signer("653e7a6ecc1d528c516cc8f92cf98611", "s", now=lambda: 1305586162, **fixed)(url)["Authorization"]
    )
    base = build_base_string(Signed("GET", url, params))
    assert base == (
        "GET&http%3A%2F%2Fwww.flickr.com%2Fservices%2Foauth%2Frequest_token&oauth_callback%3Dhttp%253A%252F%252F"
        "www.example.com%26oauth_consumer_key%3D653e7a6ecc1d528c516cc8f92cf98611%26oauth_nonce%3D95613465%26"
        "oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D1305586162%26oauth_version%3D1.0"
    )
    assert params["oauth_signature"] == sign(base, "s", "").decode()


_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_SECRETS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,9}", fullmatch=True), _TEXTS, max_size=4), _SECRETS, _SECRETS)
def test_whatever_is_asked_the_sandbox_finds_the_signature_good(
    arguments: dict[str, str], secret: str, token_secret: str
) -> None:
    url = build_prefix("http://127.0.0.1:8765/services/rest/", None) + build_query("flickr.test.echo", arguments)
    signer = build_signer(KEY, secret, token="t", token_secret=token_secret)
    path, _, query = url.partition("?")
    params = dict(parse_qsl(query, keep_blank_values=True)) | read_header(signer(url)["Authorization"])
    assert (
        sign(build_base_string(Signed("GET", path, params)), secret, token_secret).decode() == params["oauth_signature"]
    )


@pytest.mark.parametrize(
    ("api_url", "prefix"),
    [
        ("https://api.flickr.com/services/rest/", "https://www.flickr.com/services/oauth/"),
        ("http://127.0.0.1:8765/services/rest/", "http://127.0.0.1:8765/services/oauth/"),
        ("https://proxy.example/flickr/services/rest", "https://proxy.example/flickr/services/oauth/"),
    ],
)
def test_logins_are_made_beside_the_api(api_url: str, prefix: str) -> None:
    assert build_login_prefix(api_url) == prefix


async def test_every_try_has_a_nonce_of_its_own_and_the_address_no_key(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nonces: list[str] = []
    async with sandbox_of(photos=120, faults=Faults(any=0.2)) as sandbox:
        identify = sandbox.authority.identify

        def note(call: Signed) -> Any:
            assert "api_key" not in call.params
            nonces.append(call.params["oauth_nonce"])
            return identify(call)

        monkeypatch.setattr(sandbox.authority, "identify", note)
        owner = Owner(sandbox)
        assert (await owner.harvest(tmp_path, owner.settings())).status == "complete"
        assert sandbox.stats.faults
        assert len(nonces) == len(set(nonces)) == sandbox.stats.calls


# -- what a login brings


async def test_with_login_private_photos_are_there_and_without_they_are_not(owner: Owner, tmp_path: Path) -> None:
    signed = await owner.harvest(tmp_path / "in", owner.settings())
    calls = owner.sandbox.stats.methods
    assert calls["flickr.test.login"] == 1
    unsigned = await owner.harvest(tmp_path / "out", settings_for(owner.sandbox))
    assert calls["flickr.test.login"] == 1
    assert ids_in(tmp_path / "in") == owner.ids(private=True)
    assert ids_in(tmp_path / "out") == owner.ids(private=False) != owner.ids(private=True)
    name = owner.people[0].username
    assert signed.notes == (f"Logged in as {name}: photos that only this login may see are included.",)
    assert unsigned.notes == (NOT_LOGGED_IN,)
    assert manifest_of(tmp_path / "out")["signed"] is False
    assert "login" not in manifest_of(tmp_path / "out")
    assert manifest_of(tmp_path / "in")["signed"] is True
    assert manifest_of(tmp_path / "in")["login"] == {"nsid": owner.nsid, "username": name}


async def test_a_search_for_tags_does_not_nag(owner: Owner, tmp_path: Path) -> None:
    job = Job(source=Search(tags="monkey"), detail="list")
    assert (await harvest_into(tmp_path / "a", owner.sandbox, job)).notes == ()
    nothing = await harvest_into(tmp_path / "b", owner.sandbox, Job(source=Search(user=owner.nsid, tags="none")))
    assert nothing.notes == (
        "No photo matches. Without a login only public and safe photos are found; check spelling and dates.",
    )


async def test_me_is_who_is_logged_in(owner: Owner, tmp_path: Path) -> None:
    job = Job(source=Search(user="me"), detail="list")
    with pytest.raises(UsageError, match="`me` needs a login: run `harvester auth login`"):
        await harvest_into(tmp_path, owner.sandbox, job)
    await harvest_into(tmp_path, owner.sandbox, job, **owner.login())
    assert owner.sandbox.stats.methods["flickr.test.login"] == 1
    assert ids_in(tmp_path) == owner.ids(private=True)
    assert (await estimate_job(job, owner.settings()))["matches"] == len(ids_in(tmp_path))


async def test_from_python_a_token_and_its_secret_sign(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = owner.settings()
    monkeypatch.setenv("FLICKR_API_SECRET", SECRET)
    monkeypatch.setenv("FLICKR_OAUTH_TOKEN_SECRET", settings.oauth_token_secret or "")
    async with Flickr(
        api_key=KEY, api_url=owner.sandbox.url, oauth_token=settings.oauth_token, quota="none", pace="none"
    ) as flickr:
        found = [photo.id async for photo in flickr.harvest(Search(user="me"), detail="list")]
    assert sorted(found) == owner.ids(private=True)
    monkeypatch.delenv("FLICKR_OAUTH_TOKEN_SECRET")
    with pytest.raises(UsageError, match="works with its own secret only"):
        Flickr(api_key=KEY, api_secret=SECRET, oauth_token="t")


# -- what goes wrong


async def test_a_search_too_long_for_an_address_is_signed_as_a_form(owner: Owner, tmp_path: Path) -> None:
    tags = ",".join(["sandbox", *(f"taxonomy {number}+ä" for number in range(900))])
    for name, asked in (("long", tags), ("short", "sandbox")):
        job = Job(source=Search(user="me", tags=asked), detail="list")
        await harvest_into(tmp_path / name, owner.sandbox, job, **owner.login())
    assert ids_in(tmp_path / "long") == ids_in(tmp_path / "short") == owner.ids(private=True)


@pytest.mark.parametrize("how", ["revoked", "98", "99"])
async def test_a_login_taken_back_in_the_middle_stops_the_run_and_a_new_one_goes_on(
    how: str, owner: Owner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = owner.settings(workers=4)
    answer = owner.sandbox.api.answer

    def refuse(query: Any) -> bytes:
        if owner.sandbox.stats.calls > 30:
            if how == "revoked":
                owner.sandbox.authority.revoke(settings.oauth_token or "")
                return answer(query)
            return orjson.dumps({"stat": "fail", "code": int(how), "message": "Invalid auth token"})
        return answer(query)

    monkeypatch.setattr(owner.sandbox.api, "answer", refuse)
    with pytest.raises(KeyRefused, match="`harvester auth login`, then run the same command again") as caught:
        await owner.harvest(tmp_path, settings)
    assert caught.value.exit_code == 4
    before = ids_in(tmp_path)
    assert 0 < len(before) < len(owner.ids(private=True))
    assert manifest_of(tmp_path)["status"] == "incomplete"
    monkeypatch.undo()
    assert (await owner.harvest(tmp_path, owner.settings())).status == "complete"
    assert ids_in(tmp_path) == owner.ids(private=True)


async def interrupt(owner: Owner, folder: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that ends early."""
    answer = owner.sandbox.api.answer
    with monkeypatch.context() as patch:
        patch.setattr(
            owner.sandbox.api,
            "answer",
            lambda query: answer(query if owner.sandbox.stats.calls < 30 else {**query, "api_key": "bad"}),
        )
        with pytest.raises(KeyRefused):
            await owner.harvest(folder, settings)
    assert ids_in(folder)
    owner.sandbox.stats.arrivals = type(owner.sandbox.stats.arrivals)("d")


async def test_an_archive_begun_logged_in_goes_on_with_the_same_login_only(
    owner: Owner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await interrupt(owner, tmp_path, owner.settings(), monkeypatch)
    name = owner.people[0].username
    with pytest.raises(KeyRefused, match=f"was begun logged in as {name}, and this run is not logged in: run `harv"):
        await owner.harvest(tmp_path, settings_for(owner.sandbox))
    assert owner.sandbox.stats.calls == 0
    with pytest.raises(
        KeyRefused, match=f"was begun logged in as {name}, and this login is {owner.people[1].username}'s"
    ):
        await owner.harvest(tmp_path, owner.settings(1))
    assert manifest_of(tmp_path)["login"]["nsid"] == owner.nsid
    await owner.harvest(tmp_path, owner.settings())
    assert ids_in(tmp_path) == owner.ids(private=True)


async def test_an_archive_begun_without_a_login_goes_on_without_and_says_so(
    owner: Owner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await interrupt(owner, tmp_path, settings_for(owner.sandbox), monkeypatch)
    for _ in range(2):  # unfinished, and then complete
        events: list[Event] = []
        await owner.harvest(tmp_path, owner.settings(), events=events)
        told = [event.sentence for event in events if isinstance(event, Noticed)]
        assert told == [
            f"{tmp_path} was begun without a login and goes on without: for private photos begin a new archive."
        ]
    assert ids_in(tmp_path) == owner.ids(private=False)
    assert manifest_of(tmp_path)["signed"] is False


async def test_where_nothing_was_found_yet_any_login_may_begin(owner: Owner, tmp_path: Path) -> None:
    refused = owner.settings()
    owner.sandbox.authority.revoke(refused.oauth_token or "")
    with pytest.raises(KeyRefused, match="token_rejected"):
        await owner.harvest(tmp_path, refused)
    assert (await owner.harvest(tmp_path, settings_for(owner.sandbox))).photos == len(owner.ids(private=False))
    job = Job(source=Search(user="me", tags="nosuchtag"), detail="list")
    for person in (1, 0):
        login = owner.login(person)
        assert (await harvest_into(tmp_path / "empty", owner.sandbox, job, **login)).photos == 0
    stopped = asyncio.Event()
    stopped.set()
    job = Job(source=Search(user="me"), detail="list")
    for person, stop in ((1, stopped), (0, asyncio.Event())):
        login = owner.login(person)
        await harvest_into(tmp_path / "me", owner.sandbox, job, stop=stop, **login)
    assert ids_in(tmp_path / "me") == owner.ids(private=True)


async def test_a_wrong_secret_and_a_wrong_clock_are_told_without_what_was_signed(
    owner: Owner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = owner.settings(api_secret="fedcba9876543210")
    with pytest.raises(KeyRefused) as caught:
        await owner.harvest(tmp_path, settings)
    assert str(caught.value) == (
        "Flickr refuses the login (signature_invalid): check the key's secret (FLICKR_API_SECRET), or log in again "
        "with `harvester auth login`, then run the same command again."
    )
    monkeypatch.setattr(owner.sandbox.authority, "_clock", lambda: 0.0)
    with pytest.raises(KeyRefused, match=r"timestamp_refused.*: set this machine's clock"):
        await owner.harvest(tmp_path, owner.settings())


def test_a_problem_is_told_by_its_name_alone() -> None:
    with pytest.raises(KeyRefused, match=r"\(consumer_key_unknown\): check the key and its secret") as caught:
        check_status(401, b"oauth_problem=consumer_key_unknown&debug_sbs=GET%26secret")
    assert caught.value.problem == "consumer_key_unknown"
    with pytest.raises(TryLater, match="nonce"):
        check_status(401, b"oauth_problem=nonce_used")
    with pytest.raises(TryLater):
        check_status(401, b"<html>Log in to the Wi-Fi</html>")


async def test_no_secret_is_in_any_file_log_or_repr(
    owner: Owner, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    settings = owner.settings()
    await owner.harvest(tmp_path, settings)
    found = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    said = f"{caplog.text}{settings!r}{settings.without_login()!r}".encode()
    for secret in settings.secrets:
        assert secret.encode() not in found
        assert secret.encode() not in said
    assert b"nonce" not in said + found


# -- settings


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"FLICKR_OAUTH_TOKEN": "t"}, "works with its own secret only"),
        ({"FLICKR_OAUTH_TOKEN_SECRET": "s"}, "works with its own secret only"),
        ({"FLICKR_OAUTH_TOKEN": "t", "FLICKR_OAUTH_TOKEN_SECRET": "s"}, "put it into FLICKR_API_SECRET"),
    ],
)
def test_half_a_login_is_told(given: dict[str, str], sentence: str, tmp_path: Path) -> None:
    settings = load_config({}, environ={"FLICKR_API_KEY": KEY, **given}, cwd=tmp_path).settings
    with pytest.raises(UsageError, match=sentence):
        settings.require_key()
    assert settings.without_login().has_login is False


# -- logging in


async def test_a_login_in_three_steps(owner: Owner) -> None:
    settings = settings_for(owner.sandbox, api_secret=SECRET)
    asked = await begin_login(settings, callback=NOWHERE, perms="read")
    assert asked.secret not in repr(asked)
    _, verifier = owner.sandbox.authority.authorize(dict(parse_qsl(asked.url.partition("?")[2])))
    with pytest.raises(KeyRefused, match="Flickr does not take this code: it is not the one") as caught:
        await finish_login(settings, asked, "000-000-00x")
    assert caught.value.problem == "verifier_invalid"
    login = await finish_login(settings, asked, verifier)
    assert (login.nsid, login.username, login.perms) == (owner.nsid, owner.people[0].username, "read")
    assert login.oauth_token not in repr(login)
    with pytest.raises(KeyRefused, match="knows this login no more: it was refused, took too long, or was used"):
        await finish_login(settings, asked, verifier)


async def test_a_service_that_fails_in_passing_is_asked_again(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    reply = owner.sandbox.reply
    failures = [b"429 Too Many Requests", b"503 Unavailable", b"200 OK"]

    def fail(request: Request) -> Reply:
        return Reply(b"HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n" % failures.pop()) if failures else reply(request)

    monkeypatch.setattr(owner.sandbox, "reply", fail)
    settings = settings_for(owner.sandbox, api_secret=SECRET)
    assert (await begin_login(settings, callback=NOWHERE, perms="read")).url.startswith("http://127.0.0.1")
    assert not failures


async def test_a_service_that_only_fails_is_told_soon(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harvester.timers.PERSON_SECONDS", 0.1)
    busy = b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n"
    monkeypatch.setattr(owner.sandbox, "reply", lambda _: Reply(busy))
    settings = settings_for(owner.sandbox, api_secret=SECRET)
    with pytest.raises(Unreachable, match=r"Logging in failed: .*too many calls \(429\).* Run `harvester auth login`"):
        await begin_login(settings, callback=NOWHERE, perms="read")


async def test_an_unknown_key_is_told_when_logging_in(owner: Owner) -> None:
    with pytest.raises(KeyRefused, match="consumer_key_unknown"):
        await begin_login(
            settings_for(owner.sandbox, api_key="nokey", api_secret=SECRET), callback=NOWHERE, perms="read"
        )
    with pytest.raises(KeyRefused, match="signature_invalid"):
        await begin_login(settings_for(owner.sandbox, api_secret="wrong"), callback=NOWHERE, perms="read")


@pytest.mark.parametrize(
    ("typed", "verifier"),
    [
        ("123-456-789", "123-456-789"),
        (" 123456789\n", "123-456-789"),
        ("123 456 789", "123-456-789"),
        ("fe4eac402339100e", "fe4eac402339100e"),
        ("http://127.0.0.1:1/?oauth_token=t&oauth_verifier=fe4eac402339100e", "fe4eac402339100e"),
    ],
)
async def test_a_code_is_taken_in_every_form(typed: str, verifier: str) -> None:
    callback = OAuthCallback()
    callback.token = "t"
    for junk in ("123", "what?", "http://127.0.0.1:1/?oauth_token=other&oauth_verifier=x", "http://127.0.0.1/"):
        assert callback.read(junk)
    assert callback.read(typed) == ""
    callback.read("999-999-999")
    callback.fail(KeyRefused("too late"))
    assert await callback.wait(1) == verifier


@pytest.mark.parametrize("query", ["denied=t", "oauth_problem=user_refused&oauth_token=t", "oauth_token=t"])
async def test_a_denied_login_is_told(query: str) -> None:
    callback = OAuthCallback()
    callback.token = "t"
    assert "refused" in callback.hear(dict(parse_qsl(query)))
    with pytest.raises(KeyRefused, match="The login was refused"):
        await callback.wait(1)


@pytest.mark.parametrize(
    "query",
    [
        "oauth_problem=user_refused",
        "oauth_problem=x&oauth_verifier=evil-1",
        "oauth_token=other&oauth_verifier=evil-1",
        "oauth_token=%F4%8F&oauth_verifier=evil-1",
        "denied=other",
        "oauth_verifier=evil-1",
        "",
    ],
)
async def test_a_callback_without_the_logins_token_changes_nothing(query: str) -> None:
    callback = OAuthCallback()
    callback.token = "t"
    assert "no answer" in callback.hear(dict(parse_qsl(query)))
    assert callback.read(f"http://127.0.0.1:1/?{query}")
    assert "goes on" in callback.hear({"oauth_token": "t", "oauth_verifier": "good-1"})
    assert await callback.wait(1) == "good-1"


async def test_the_callback_is_served_under_this_machines_name_only() -> None:
    import aiohttp  # noqa: PLC0415

    callback = OAuthCallback()
    callback.token = "t"
    async with serve_callback(callback) as url, aiohttp.ClientSession() as session:
        answer = f"{url}?oauth_token=t&oauth_verifier=good-1"
        async with session.get(answer, headers={"Host": "evil.example"}) as response:
            assert response.status == 403
        async with session.get(answer) as response:
            assert response.status == 200
    assert await callback.wait(1) == "good-1"


async def test_nobody_answers() -> None:
    with pytest.raises(KeyRefused, match="Nobody has allowed the login within 0 minutes"):
        await OAuthCallback().wait(0.01)


async def test_the_browser_is_heard_on_this_machine_only(owner: Owner) -> None:
    import aiohttp  # noqa: PLC0415

    callback = OAuthCallback()
    async with serve_callback(callback) as url, aiohttp.ClientSession() as session:
        assert url.startswith("http://127.0.0.1:")
        settings = settings_for(owner.sandbox, api_secret=SECRET)
        asked = await begin_login(settings, callback=url, perms="read")
        async with session.get(f"{url}favicon.ico") as response:
            assert response.status == 404
        async with session.get(f"{url}?oauth_token=x&oauth_verifier=y") as response:
            assert "no answer" in await response.text()
        callback.token = asked.token
        async with session.get(asked.url) as response:
            assert "You may close this window" in await response.text()
        verifier = await callback.wait(1)
    assert (await finish_login(settings, asked, verifier)).nsid == owner.nsid


async def test_photos_by_id_are_signed_too(owner: Owner, tmp_path: Path) -> None:
    hidden = sorted(set(owner.ids(private=True)) - set(owner.ids(private=False)))
    login = owner.login()
    await harvest_into(tmp_path, owner.sandbox, Job(source=Photos(ids=hidden), detail="info"), **login)
    assert all(line["info"] for line in read_lines(tmp_path / "photos.ndjson"))


async def test_a_plan_in_the_owners_name_counts_private_photos(owner: Owner) -> None:
    job = Job(source=Account(user="me"), detail="list")
    plan = await estimate_job(job, owner.settings())
    assert plan["matches"] == len(owner.ids(private=True))
    assert plan["lists"][0] == {"list": "names", "found": None, "calls": 1}
    public = await estimate_job(Job(source=Account(user=owner.nsid)), settings_for(owner.sandbox))
    assert public["matches"] == len(owner.ids(private=False))
