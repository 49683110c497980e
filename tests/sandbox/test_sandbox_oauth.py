"""OAuth 1.0a: the three steps, who sees private photos, and every way in which a signature is refused.

The signature itself is held to the example of the OAuth Core 1.0 specification.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, urlencode, urlsplit

import aiohttp
import pytest
from yarl import URL

from harvester.sandbox.catalogue import CatalogueOptions
from harvester.sandbox.oauth import Signed, build_base_string, read_header, secret_of, sign
from harvester.sandbox.server import Sandbox, SandboxOptions, open_sandbox
from support.harvest import KEY

SECRET = secret_of(KEY)


class User:
    """Signs calls to a sandbox."""

    def __init__(self, sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
        self.sandbox = sandbox
        self.session = session
        self.token: tuple[str, str] = ("", "")

    def sign(self, path: str, *, verb: str = "GET", secret: str = SECRET, **given: str) -> dict[str, str]:
        """All parameters of a call, signed."""
        oauth = {
            "oauth_consumer_key": KEY,
            "oauth_nonce": secrets.token_hex(8),
            "oauth_signature_method": "HMAC-SHA1",
            "oauth_timestamp": str(int(time.time())),
            "oauth_version": "1.0",
        }
        params = oauth | ({"oauth_token": self.token[0]} if self.token[0] else {}) | given
        call = Signed(verb, f"http://127.0.0.1:{self.sandbox.port}{path}", params)
        return params | {"oauth_signature": sign(build_base_string(call), secret, self.token[1]).decode()}

    async def get(self, path: str, **given: str) -> tuple[int, str]:
        query = urlencode(self.sign(path, **given), quote_via=quote)
        url = URL(f"http://127.0.0.1:{self.sandbox.port}{path}?{query}", encoded=True)
        async with self.session.get(url, allow_redirects=False) as response:
            return response.status, response.headers.get("Location", "") or await response.text()

    async def call(self, method: str, **given: str) -> dict[str, Any]:
        common = {"method": f"flickr.{method}", "format": "json", "nojsoncallback": "1"}
        status, text = await self.get("/services/rest/", **common, **given)
        assert status == 200, text
        answer: dict[str, Any] = json.loads(text)
        return answer

    async def log_in(self, callback: str = "oob", **authorize: str) -> dict[str, str]:
        _, text = await self.get("/services/oauth/request_token", oauth_callback=callback)
        step = dict(parse_qsl(text))
        assert step["oauth_callback_confirmed"] == "true"
        query = urlencode({"oauth_token": step["oauth_token"], "perms": "read", **authorize})
        page = f"http://127.0.0.1:{self.sandbox.port}/services/oauth/authorize?{query}"
        async with self.session.get(page, allow_redirects=False) as response:
            target, shown = response.headers.get("Location", ""), await response.text()
        found = re.search(r"\d{3}-\d{3}-\d{3}", shown)
        verifier = found[0] if found else parse_qs(urlsplit(target).query).get("oauth_verifier", [""])[0]
        self.token = (step["oauth_token"], step["oauth_token_secret"])
        _, text = await self.get("/services/oauth/access_token", oauth_verifier=verifier or "none")
        self.token = ("", "")
        return dict(parse_qsl(text, keep_blank_values=True))


@pytest.fixture
async def user() -> AsyncIterator[User]:
    options = SandboxOptions(catalogue=CatalogueOptions(photos=400, owners=3, private=0.25, even=True))
    async with open_sandbox(options) as sandbox, aiohttp.ClientSession() as session:
        yield User(sandbox, session)


@pytest.fixture
async def owner(user: User) -> User:
    """Logged in as the first owner."""
    user.token = user.sandbox.authority.grant(user.sandbox.catalogue.people[0])
    return user


@pytest.mark.parametrize("callback", ["oob", "http://127.0.0.1:9/back?state=1"])
async def test_three_steps_give_a_token_that_tells_who_called(user: User, callback: str) -> None:
    person = user.sandbox.catalogue.people[1]
    access = await user.log_in(callback, user=person.nsid)
    assert (access["user_nsid"], access["username"]) == (person.nsid, person.username)
    assert re.fullmatch(r"7215\d+-[0-9a-f]{16}", access["oauth_token"])
    user.token = (access["oauth_token"], access["oauth_token_secret"])
    assert (await user.call("test.login"))["user"]["id"] == person.nsid
    assert (await user.call("auth.oauth.checkToken"))["oauth"]["user"]["nsid"] == person.nsid


async def test_a_refusal_gives_no_token(user: User) -> None:
    assert (await user.log_in(deny="1")) == {"oauth_problem": "token_rejected"}


async def test_a_request_token_works_once(user: User) -> None:
    _, text = await user.get("/services/oauth/request_token", oauth_callback="oob")
    step = dict(parse_qsl(text))
    _, verifier = user.sandbox.authority.authorize(step)
    user.token = (step["oauth_token"], step["oauth_token_secret"])
    assert (await user.get("/services/oauth/access_token", oauth_verifier="000-000-00x"))[
        1
    ] == "oauth_problem=verifier_invalid"
    assert (await user.get("/services/oauth/access_token", oauth_verifier=verifier))[0] == 200
    assert (await user.get("/services/oauth/access_token", oauth_verifier=verifier))[0] == 401


async def test_private_photos_are_there_for_their_owner_only(owner: User) -> None:
    catalogue = owner.sandbox.catalogue
    private = [n for n in range(len(catalogue)) if catalogue.is_private(n)]
    mine = {str(catalogue.id_of(n)) for n in private if catalogue.owners[n] == 0}
    other = next(str(catalogue.id_of(n)) for n in private if catalogue.owners[n] != 0)
    assert mine
    found = await owner.call("photos.search", tags="sandbox", per_page="500")
    shown = {row["id"] for row in found["photos"]["photo"]}
    everything = {str(catalogue.id_of(n)) for n in range(len(catalogue))}
    assert shown == everything - ({str(catalogue.id_of(n)) for n in private} - mine)
    own = await owner.call("photos.search", user_id="me", per_page="500")
    assert mine <= {row["id"] for row in own["photos"]["photo"]}
    info = await owner.call("photos.getInfo", photo_id=min(mine))
    assert info["photo"]["visibility"]["ispublic"] == 0
    assert (await owner.call("photos.getSizes", photo_id=min(mine)))["stat"] == "ok"
    assert (await owner.call("photos.getInfo", photo_id=other))["code"] == 1
    owner.token = ("", "")
    assert (await owner.call("photos.getInfo", photo_id=min(mine)))["code"] == 1
    found = await owner.call("photos.search", tags="sandbox", per_page="500")
    assert not mine & {row["id"] for row in found["photos"]["photo"]}


async def test_no_argument_of_a_client_makes_it_somebody_else(user: User) -> None:
    nsid = user.sandbox.catalogue.people[0].nsid
    query = {"method": "flickr.test.login", "api_key": KEY, "format": "json", "nojsoncallback": "1", "__caller": nsid}
    async with user.session.get(user.sandbox.url, params=query) as response:
        assert (await response.json())["code"] == 99


async def test_the_header_and_a_posted_form_may_carry_the_signature(owner: User) -> None:
    call = {"method": "flickr.test.login", "format": "json", "nojsoncallback": "1", "text": "naïve & 100% ~*'()!"}
    signed = owner.sign("/services/rest/", **call)
    fields = ", ".join(f'{n}="{quote(v, safe="~")}"' for n, v in signed.items() if n.startswith("oauth_"))
    headers = {"Authorization": f'OAuth realm="", {fields}'}
    async with owner.session.get(owner.sandbox.url, params=call, headers=headers) as response:
        assert (await response.json())["stat"] == "ok"
    async with owner.session.post(
        owner.sandbox.url, data=owner.sign("/services/rest/", verb="POST", **call)
    ) as response:
        assert (await response.json())["stat"] == "ok"


@pytest.mark.parametrize(
    ("given", "status", "problem"),
    [
        ({"secret": "wrong"}, 401, "signature_invalid&debug_sbs=GET&http%3A%2F%2F127.0.0.1"),
        ({"oauth_timestamp": "1300000000"}, 401, "timestamp_refused"),
        ({"oauth_timestamp": "1300000000000"}, 401, "timestamp_refused"),
        ({"oauth_consumer_key": "no-key"}, 401, "consumer_key_unknown"),
        ({"oauth_signature_method": "PLAINTEXT"}, 400, "signature_method_rejected"),
    ],
)
async def test_a_bad_signature_is_refused_in_form_text(
    owner: User, given: dict[str, str], status: int, problem: str
) -> None:
    got, text = await owner.get("/services/rest/", method="flickr.test.login", format="json", **given)
    assert got == status
    assert text.startswith(f"oauth_problem={problem}")


async def test_timestamps_are_held_to_the_sandboxs_clock() -> None:
    catalogue = CatalogueOptions(photos=20, owners=1)
    ahead = SandboxOptions(catalogue=catalogue, clock=lambda: time.time() + 86_400)
    async with open_sandbox(ahead) as sandbox, aiohttp.ClientSession() as session:
        user = User(sandbox, session)
        late = str(int(time.time()) + 86_400)
        assert (await user.get("/services/oauth/request_token", oauth_callback="oob"))[
            1
        ] == "oauth_problem=timestamp_refused"
        assert (await user.get("/services/oauth/request_token", oauth_callback="oob", oauth_timestamp=late))[0] == 200


async def test_a_nonce_works_once(owner: User) -> None:
    assert (await owner.get("/services/rest/", method="flickr.test.login", oauth_nonce="n1"))[0] == 200
    assert (await owner.get("/services/rest/", method="flickr.test.login", oauth_nonce="n1")) == (
        401,
        "oauth_problem=nonce_used",
    )


async def test_a_revoked_token_is_rejected(owner: User) -> None:
    order = {"revoke": owner.token[0]}
    async with owner.session.post(f"http://127.0.0.1:{owner.sandbox.port}/__control", json=order) as response:
        assert response.status == 200
    assert await owner.get("/services/rest/", method="flickr.test.login") == (401, "oauth_problem=token_rejected")


async def test_control_grants_a_token(user: User) -> None:
    order = {"grant": user.sandbox.catalogue.people[2].nsid}
    async with user.session.post(f"http://127.0.0.1:{user.sandbox.port}/__control", json=order) as response:
        token, secret = (await response.json())["token"]
    user.token = (token, secret)
    assert (await user.call("test.login"))["user"]["id"] == user.sandbox.catalogue.people[2].nsid


async def test_missing_parameters_are_named(user: User) -> None:
    address = f"http://127.0.0.1:{user.sandbox.port}/services/oauth/request_token?oauth_nonce=1"
    async with user.session.get(address) as response:
        assert response.status == 400
        assert "oauth_parameters_absent=oauth_consumer_key%26" in await response.text()


async def test_recently_updated_lists_own_photos_latest_change_first(owner: User) -> None:
    catalogue = owner.sandbox.catalogue
    first = next(n for n in range(len(catalogue)) if catalogue.owners[n] == 0)
    catalogue.change(first, at=1_790_000_000)
    found = await owner.call("photos.recentlyUpdated", min_date="1789999999")
    assert [row["id"] for row in found["photos"]["photo"]] == [str(catalogue.id_of(first))]
    assert (await owner.call("photos.recentlyUpdated"))["code"] == 1
    assert (await owner.call("photos.recentlyUpdated", min_date="soon"))["code"] == 2


def test_a_header_of_another_scheme_says_nothing() -> None:
    assert read_header("Basic abc") == {}
    assert read_header('OAuth realm="x", oauth_token="a%20b"') == {"oauth_token": "a b"}


def test_the_signature_is_that_of_the_specifications_example() -> None:
    params = {
        "oauth_consumer_key": "dpf43f3p2l4k3l03",
        "oauth_token": "nnch734d00sl2jdk",
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_timestamp": "1191242096",
        "oauth_nonce": "kllo9940pd9333jh",
        "oauth_version": "1.0",
        "file": "vacation.jpg",
        "size": "original",
    }
    base = build_base_string(Signed("get", "http://photos.example.net/photos", params))
    assert sign(base, "kd94hf93k423kf44", "pfkkdhi9sl3r4s00") == b"tR3+Ty81lMeYAr/Fid0kMTYa/WM="
