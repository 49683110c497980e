"""OAuth 1.0a as Flickr takes it: what signs a call, where logins are made, what a refusal means.

Signed calls carry their signature in the Authorization header, as flickrapi's and flickr-objects' do: addresses
are what servers and proxies write down. oauthlib signs; it is imported where something is to be signed.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol
from urllib.parse import urlsplit

from harvester.errors import KeyRefused, TryLater
from harvester.flickr.forms import FORM


class Sign(Protocol):
    """What signs a call. Each use has a nonce of its own: none works twice."""

    def __call__(self, url: str, form: str = "", /) -> dict[str, str]:
        """The headers that sign a call: a POST of a `form` where there is one, else a GET."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whose login it is."""

    nsid: str
    username: str


_PROBLEM = re.compile(rb"oauth_problem=([a-z_]{1,40})")
_AGAIN = "log in again with `harvester auth login`, then run the same command again"
_ADVICE: Mapping[str, str] = MappingProxyType(
    {
        "signature_invalid": f"check the key's secret (FLICKR_API_SECRET), or {_AGAIN}",
        "consumer_key_unknown": "check the key and its secret (FLICKR_API_KEY, FLICKR_API_SECRET)",
        "consumer_key_rejected": "check the key and its secret (FLICKR_API_KEY, FLICKR_API_SECRET)",
        "timestamp_refused": "set this machine's clock, then run the same command again",
    }
)


def build_signer(
    key: str,
    secret: str,
    *,
    token: str | None = None,
    token_secret: str | None = None,
    now: Callable[[], float] = time.time,
    **step: str,
) -> Sign:
    """What signs the calls of a key, and of a login where there is one; `step` is what a step of logging in adds.

    `now` is the Unix time that a signature carries. Flickr refuses one that is far from its own clock's.
    """
    from oauthlib.oauth1 import Client  # noqa: PLC0415 - a tenth of a second that unsigned runs can do without

    # At level DEBUG oauthlib logs what it signs: token and nonce.
    logging.getLogger("oauthlib.oauth1.rfc5849").setLevel(logging.INFO)
    client: Any = Client(key, secret, resource_owner_key=token, resource_owner_secret=token_secret, **step)

    def sign(url: str, form: str = "", /) -> dict[str, str]:
        client.timestamp = str(int(now()))
        post = {"http_method": "POST", "body": form, "headers": {"Content-Type": FORM}} if form else {}
        headers = client.sign(url, **post)[1]
        return {"Authorization": headers["Authorization"]}

    return sign


def build_login_prefix(api_url: str) -> str:
    """Where the steps of logging in are: on www.flickr.com for Flickr's API, else beside `/services/rest/`."""
    parts = urlsplit(api_url.strip())
    if parts.hostname == "api.flickr.com":
        return "https://www.flickr.com/services/oauth/"
    before = parts.path.partition("/services/rest")[0].rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{before}/services/oauth/"


def read_problem(body: bytes) -> str:
    """The problem that an answer such as `oauth_problem=token_rejected` names, or nothing.

    Nothing else of such an answer is to be shown: `debug_sbs` in it holds key and token.
    """
    found = _PROBLEM.search(body[:10_000])
    return found[1].decode() if found else ""


def check_problem(body: bytes) -> None:
    """Raise what `oauth_problem=…` means, where an answer says so."""
    problem = read_problem(body)
    if problem == "nonce_used":  # on its way the call was sent twice; signed anew it may pass
        raise TryLater("the call's nonce was used before")
    if problem:
        raise KeyRefused(f"Flickr refuses the login ({problem}): {_ADVICE.get(problem, _AGAIN)}.", problem=problem)
