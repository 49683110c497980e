"""How a harvest from Python ends where Flickr or the input withholds something, and whose settings it runs by."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harvester import Account, Flickr, HarvestError, Incomplete, KeyRefused, Photos, Search, Unreachable, UsageError
from harvester.auth.token_store import Login, config_folder, find_path, make_folder, write_login
from harvester.config.settings import Settings
from harvester.sandbox.faults import Faults
from harvester.sandbox.oauth import secret_of
from harvester.sandbox.server import Sandbox
from support.harvest import KEY, Opener

pytestmark = pytest.mark.usefixtures("time_limit")


def client_of(sandbox: Sandbox) -> Flickr:
    return Flickr(api_key=KEY, api_url=sandbox.url, quota="none", pace="none")


def name_photos(sandbox: Sandbox) -> Photos:
    """Two lines of input, of which one names a photo."""
    return Photos(ids=[str(sandbox.catalogue.id_of(1)), "no photo"])


async def test_an_incomplete_harvest_gives_what_there_is_and_then_raises(sandbox: Sandbox) -> None:
    came = []
    async with client_of(sandbox) as flickr:
        photos = flickr.harvest(name_photos(sandbox))
        with pytest.raises(Incomplete, match=r"it has 1 photo\. .*allow_incomplete=True\.$") as error:
            came += [photo.id async for photo in photos]
    assert error.value.summary is photos.summary
    assert photos.summary
    assert (photos.summary.photos, photos.summary.bad_input) == (1, 1)


async def test_who_allows_an_incomplete_harvest_gets_what_there_is(sandbox: Sandbox) -> None:
    async with client_of(sandbox) as flickr:
        photos = flickr.harvest(name_photos(sandbox), allow_incomplete=True)
        assert len([photo.id async for photo in photos]) == 1
    assert photos.summary
    assert photos.summary.status == "incomplete"


async def test_an_error_is_raised_once_and_then_the_harvest_is_over(sandbox: Sandbox) -> None:
    async with client_of(sandbox) as flickr:
        photos = flickr.harvest(Search(user="nobody at all"))
        with pytest.raises(UsageError):
            await anext(photos)
        with pytest.raises(StopAsyncIteration):
            await anext(photos)


def write_config(path: Path, sandbox: Sandbox) -> Path:
    limits = '[limits]\nquota = "none"\npace = "none"\n'
    path.write_text(
        f'[flickr]\napi_key = "{KEY}"\napi_secret = "{secret_of(KEY)}"\napi_url = "{sandbox.url}"\n{limits}'
    )
    path.chmod(0o600)
    return path


async def test_a_config_file_says_all_that_a_client_needs(sandbox: Sandbox, tmp_path: Path) -> None:
    async with Flickr.from_config(write_config(tmp_path / "own.toml", sandbox)) as flickr:
        assert len([photo async for photo in flickr.harvest(Search(tags="sandbox"), limit=3)]) == 3


@pytest.mark.parametrize(("kept_login", "signs"), [(True, True), (False, False)])
async def test_the_kept_login_is_used_by_choice(
    kept_login: bool, signs: bool, sandbox: Sandbox, tmp_path: Path
) -> None:
    person = sandbox.catalogue.people[0]
    token, secret = sandbox.authority.grant(person)
    login = Login(
        nsid=person.nsid,
        username=person.username,
        fullname="",
        perms="read",
        granted="2026-11-23T22:30:05Z",
        oauth_token=token,
        oauth_token_secret=secret,
    )
    folder = config_folder()
    assert folder
    make_folder(folder)
    write_login(find_path(Settings(api_key=KEY, api_url=sandbox.url), folder), login)
    async with Flickr.from_config(write_config(tmp_path / "own.toml", sandbox), kept_login=kept_login) as flickr:
        photos = flickr.harvest(Search(user="me"), detail="list", limit=1)
        if signs:
            assert len([photo.id async for photo in photos]) == 1
            return
        with pytest.raises(HarvestError, match="login") as error:
            await anext(photos)
        assert type(error.value) is UsageError


async def test_an_outage_ends_a_harvest_that_is_to_give_up(sandbox_of: Opener) -> None:
    async with (
        sandbox_of(faults=Faults(outage=True)) as sandbox,
        Flickr(api_key=KEY, api_url=sandbox.url, quota="none", pace="none", give_up_after=0.01) as flickr,
    ):
        with pytest.raises(HarvestError) as error:
            await anext(flickr.harvest(Search(tags="sandbox")))
    assert type(error.value) is Unreachable


def test_how_long_an_outage_may_take_is_read_as_the_option_is() -> None:
    with pytest.raises(UsageError, match=r"^give_up_after: 'soon' is not a length of time"):
        Flickr(api_key=KEY, give_up_after="soon")


SECRETS = {
    "api_key": "0123456789abcdef0123456789abcdef",
    "api_secret": "secret0123456789",
    "oauth_token": "token0123456789ab",
    "oauth_token_secret": "tokensecret012345",
}


def list_chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and all that any tool could show of what it arose from."""
    if error is not None:
        yield error
        inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
        for other in (error.__cause__, error.__context__, *inner):
            yield from list_chain(other)


@pytest.mark.parametrize("source", [Search(tags="x"), Account(user="12345678@N00"), Photos(ids=["123"])])
@pytest.mark.parametrize(
    ("names", "address"),
    [
        (("api_key",), "http://127.0.0.1:9/services/rest/"),
        (tuple(SECRETS), "http://nowhere.invalid/rest/"),
        pytest.param(tuple(SECRETS), None, id="a token that the sandbox refuses"),
    ],
)
async def test_an_error_arises_from_nothing_that_holds_a_secret(
    source: Any, names: tuple[str, ...], address: str | None, sandbox: Sandbox
) -> None:
    given: dict[str, Any] = {name: SECRETS[name] for name in names}
    url = address or sandbox.url
    async with Flickr(**given, api_url=url, quota="none", pace="none", give_up_after=0.01) as flickr:
        with pytest.raises((KeyRefused, Unreachable)) as caught:
            await anext(flickr.harvest(source))
    assert list(list_chain(caught.value)) == [caught.value]
    told = "".join((*traceback.format_exception(caught.value), repr(vars(caught.value))))
    assert not any(secret in told for secret in SECRETS.values())


async def test_an_error_of_the_callers_own_keeps_its_cause(sandbox: Sandbox) -> None:
    def feed() -> Iterator[str]:
        yield str(sandbox.catalogue.id_of(1))
        raise ZeroDivisionError from KeyError("cursor")

    async with client_of(sandbox) as flickr:
        with pytest.raises(ZeroDivisionError) as caught:
            async for _ in flickr.harvest(Photos(ids=feed())):
                pass
    assert [type(error) for error in list_chain(caught.value)] == [ZeroDivisionError, KeyError]
