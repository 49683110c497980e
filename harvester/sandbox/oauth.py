"""OAuth 1.0a as Flickr does it: HMAC-SHA1, and failures that are no envelopes but form texts."""

from __future__ import annotations

import hmac
import re
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from urllib.parse import quote, unquote, urlencode

from .catalogue import Person

REQUIRED = ("oauth_consumer_key", "oauth_nonce", "oauth_signature", "oauth_signature_method", "oauth_timestamp")
TOLERANCE = 300
"""Seconds by which a client's clock may be wrong."""
_NONCES = 100_000
_KEY = re.compile(r"[0-9a-f]{32}")
_HEADER = re.compile(r'(\w+)="([^"]*)"')


class Refusal(Exception):
    """A call that Flickr answers with `oauth_problem=…` instead of JSON."""

    def __init__(self, problem: str, *, status: int = 401) -> None:
        super().__init__(problem)
        self.status = status
        self.body = f"oauth_problem={problem}".encode()


@dataclass(frozen=True, slots=True)
class Signed:
    """A call as it was signed: verb, address without query, and all parameters."""

    verb: str
    url: str
    params: Mapping[str, str]


@dataclass(slots=True)
class RequestToken:
    """A login that has begun and is not yet granted. `person` is set once a person has agreed."""

    secret: str
    callback: str
    verifier: str
    person: Person | None = None
    perms: str = "read"


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What a client keeps; it does not expire by itself."""

    secret: str
    person: Person
    perms: str = "read"


class Authority:
    """Issues tokens, and says who a signed call comes from."""

    def __init__(self, people: tuple[Person, ...], *, seed: int, clock: Callable[[], float] = time.time) -> None:
        self._people = people
        self._rng = Random(f"oauth {seed}")
        self._clock = clock
        self._requests: dict[str, RequestToken] = {}
        self._tokens: dict[str, AccessToken] = {}
        self._nonces: dict[tuple[str, str], None] = {}

    def identify(self, call: Signed) -> AccessToken | None:
        """The token that signed the call; None where the application alone did. Refusal for a bad signature."""
        token = call.params.get("oauth_token", "")
        if token and token not in self._tokens:
            raise Refusal("token_rejected")
        self._verify(call, self._tokens[token].secret if token else "")
        return self._tokens[token] if token else None

    def issue_request(self, call: Signed) -> bytes:
        """The first step."""
        self._verify(call, "")
        callback = call.params.get("oauth_callback")
        if not callback:
            raise Refusal("parameter_absent&oauth_parameters_absent=oauth_callback", status=400)
        verifier = "-".join(f"{self._rng.randrange(1000):03d}" for _ in range(3))
        token, secret = self._draw()
        self._requests[token] = RequestToken(secret, callback, verifier)
        return _form(oauth_callback_confirmed="true", oauth_token=token, oauth_token_secret=secret)

    def authorize(self, query: Mapping[str, str]) -> tuple[str | None, str]:
        """The second step, which the sandbox agrees to at once: where to go, or else the text to show.

        `user` names the owner who logs in (the first one), `deny=1` refuses.
        """
        token = query.get("oauth_token", "")
        asked = self._requests.get(token)
        person = next((p for p in self._people if p.nsid == query.get("user", self._people[0].nsid)), None)
        if asked is None or person is None:
            raise Refusal("token_rejected")
        back = None if asked.callback == "oob" else asked.callback
        if query.get("deny"):
            del self._requests[token]
            return _extend(back, denied=token), "You have refused."
        asked.person = person
        asked.perms = query.get("perms", "read")
        return _extend(back, oauth_token=token, oauth_verifier=asked.verifier), asked.verifier

    def issue_access(self, call: Signed) -> bytes:
        """The third step: a request token works once."""
        token = call.params.get("oauth_token", "")
        if not token:
            raise Refusal("parameter_absent&oauth_parameters_absent=oauth_token", status=400)
        asked = self._requests.get(token)
        if asked is None or asked.person is None:
            raise Refusal("token_rejected")
        self._verify(call, asked.secret)
        if call.params.get("oauth_verifier") != asked.verifier:
            raise Refusal("verifier_invalid")
        del self._requests[token]
        access, secret = self.grant(asked.person, perms=asked.perms)
        person = {"user_nsid": asked.person.nsid, "username": asked.person.username}
        return _form(fullname=asked.person.realname or "", oauth_token=access, oauth_token_secret=secret, **person)

    def grant(self, person: Person, *, perms: str = "read") -> tuple[str, str]:
        """An access token and its secret, without the three steps."""
        token, secret = self._draw()
        self._tokens[token] = AccessToken(secret, person, perms)
        return token, secret

    def revoke(self, token: str) -> None:
        """The owner takes the permission back: `token_rejected` from now on."""
        self._tokens.pop(token, None)

    def _verify(self, call: Signed, token_secret: str) -> None:
        if missing := [name for name in REQUIRED if not call.params.get(name)]:
            raise Refusal(f"parameter_absent&oauth_parameters_absent={'%26'.join(missing)}", status=400)
        key = call.params["oauth_consumer_key"]
        if not _KEY.fullmatch(key):
            raise Refusal("consumer_key_unknown")
        if call.params["oauth_signature_method"] != "HMAC-SHA1":
            raise Refusal("signature_method_rejected", status=400)
        self._check_time(call.params["oauth_timestamp"])
        base = build_base_string(call)
        if not hmac.compare_digest(sign(base, secret_of(key), token_secret), call.params["oauth_signature"].encode()):
            raise Refusal(f"signature_invalid&debug_sbs={base}")
        self._spend(key, call.params["oauth_nonce"])

    def _check_time(self, timestamp: str) -> None:
        """Milliseconds are a usual mistake (Pomax/node-flickrapi#35)."""
        if not timestamp.isascii() or not timestamp.isdigit() or abs(int(timestamp) - self._clock()) > TOLERANCE:
            raise Refusal("timestamp_refused")

    def _spend(self, key: str, nonce: str) -> None:
        if (key, nonce) in self._nonces:
            raise Refusal("nonce_used")
        self._nonces[key, nonce] = None
        if len(self._nonces) > _NONCES:
            del self._nonces[next(iter(self._nonces))]

    def _draw(self) -> tuple[str, str]:
        digits = f"7215{self._rng.randrange(10**13):013d}-{self._rng.getrandbits(64):016x}"
        return digits, f"{self._rng.getrandbits(64):016x}"


def secret_of(key: str) -> str:
    """The consumer secret of a key, here its first 16 characters."""
    return key[:16]


def read_header(authorization: str) -> dict[str, str]:
    """The parameters of an `Authorization: OAuth …` header, but for the realm."""
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() != "oauth":
        return {}
    return {name: unquote(value) for name, value in _HEADER.findall(rest) if name != "realm"}


def build_base_string(call: Signed) -> str:
    """Verb, address and sorted parameters: what is signed."""
    pairs = sorted((_encode(n), _encode(v)) for n, v in call.params.items() if n != "oauth_signature")
    joined = "&".join(f"{name}={value}" for name, value in pairs)
    return f"{call.verb.upper()}&{_encode(call.url)}&{_encode(joined)}"


def sign(base: str, consumer_secret: str, token_secret: str) -> bytes:
    """The signature in base64; an empty token secret leaves the trailing `&` of the key."""
    key = f"{_encode(consumer_secret)}&{_encode(token_secret)}"
    return b64encode(hmac.digest(key.encode(), base.encode(), "sha1"))


def _encode(text: str) -> str:
    return quote(text, safe="~")


def _form(**fields: str) -> bytes:
    return urlencode(fields, quote_via=quote).encode()


def _extend(address: str | None, **fields: str) -> str | None:
    if address is None:
        return None
    return f"{address}{'&' if '?' in address else '?'}{urlencode(fields)}"
