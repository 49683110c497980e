"""Translates failures of Flickr, and of servers before it, into errors by what the caller can do. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from harvester.errors import KeyRefused, Refused, TryLater, UsageError
from harvester.flickr.lenient_json import read_number
from harvester.flickr.method_list import METHODS
from harvester.flickr.oauth import check_problem

# Codes that every method shares, https://www.flickr.com/services/api/flickr.photos.search.html#error-codes
# 99 is about the login, so every other call would fail as well: no photo may be given up for it.
_KEY_CODES = frozenset({96, 97, 98, 99, 100})
# 105 is documented; 201 was recorded and 0 reported with the same message (flickr-photos-api, retrying.py).
_PASSING_CODES = frozenset({0, 105, 201})
_NOT_NOW = "not currently available"
_SEARCH_DOWN = 10  # flickr.photos.search: "The Flickr search API is not currently available."
EXCESSIVE_OFFSET = 20
"""flickr.photos.search: a page past the 4,000 results that Flickr serves."""


def check_status(status: int, body: bytes, *, retry_after: float | None = None) -> None:
    """Translate an HTTP status other than 200; Flickr's own failures come with 200."""
    if status == 200:
        return
    if status in (400, 401):
        check_problem(body)
    if status == 429:
        raise TryLater("too many calls (429)", retry_after=retry_after, refusal=True)
    if status >= 500 or status in (408, 425):
        raise TryLater(f"the server failed ({status})", retry_after=retry_after, refusal=status == 503)
    known = f" {HTTPStatus(status).phrase}" if status in list(HTTPStatus) else ""
    raise TryLater(f"the server answers {status}{known}", foreign=True)


def check_failure(answer: Mapping[str, Any], *, method: str) -> None:
    """Raise what `{"stat": "fail", "code": …, "message": …}` means."""
    if answer.get("stat") == "ok":
        return
    if answer.get("stat") != "fail":
        raise TryLater("an answer without its status")
    code, message = read_number(answer.get("code")), str(answer.get("message", ""))
    if code is None:
        raise TryLater("a failure without its code")
    if code in _PASSING_CODES or _NOT_NOW in message or (code == _SEARCH_DOWN and method == "flickr.photos.search"):
        raise TryLater(f"{message.rstrip('.') or 'service not available'} ({code})", refusal=True)
    if code in _KEY_CODES:
        raise KeyRefused(f"Flickr refuses the key or login: {message} (code {code}). {_key_advice(code, method)}")
    if code in (95, 111, 112, 114, 115, 116):
        raise UsageError(f"Flickr does not know what was asked: {message} (code {code}).")
    raise Refused(code, message)


def _key_advice(code: int, method: str) -> str:
    if code == 100:
        return "Set FLICKR_API_KEY to a working key; https://www.flickr.com/services/apps/ lists yours."
    login = METHODS[method].login if method in METHODS else "harvester auth login"
    return f"Log in with `{login}`, then run the same command again."
