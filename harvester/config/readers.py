"""How the values of settings are read, whether options, the environment, a config file or Python gives them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from harvester.errors import UsageError, show
from harvester.quota.place import Place
from harvester.quota.rate import Rate

API_URL = "https://api.flickr.com/services/rest/"
SECRETS = ("api_key", "api_secret", "oauth_token", "oauth_token_secret")
MAX_WORKERS = 1000

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def _read_rate(value: object) -> Rate | None:
    if not isinstance(value, str):
        raise UsageError(f"{show(value)} is no rate: write a text, CALLS/PERIOD, such as '3600/h', or 'none'.")
    return Rate.parse(value)


def _read_workers(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_WORKERS:
        raise UsageError(f"{show(value)} is not a number of workers; use 1 to {MAX_WORKERS}.")
    return value


def read_duration(value: object) -> float | None:
    """Seconds of a number or a text such as 90, 30m, 2h, 1d; None for `never`."""
    text = str(value).strip()
    if text in ("never", "none"):
        return None
    match = re.fullmatch(r"(\d{1,9}(?:\.\d+)?)\s*([smhd]?)", text, re.ASCII)
    if match is None or float(match[1]) == 0:
        raise UsageError(f"{show(text)} is not a length of time; use seconds, 30m, 2h, 1d or never.")
    return float(match[1]) * _UNITS[match[2]]


def _read_url(value: object) -> str:
    text = str(value).strip()
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        good = False
    if not good or parts.query or parts.fragment or re.search(r"\s", text):
        raise UsageError(f"{show(text)} is not the address of an API; Flickr's is {API_URL}.")
    return text


def _read_secret(value: object) -> str:
    """A key or token as it is; the sentence about a wrong one does not show it."""
    text = value.strip() if isinstance(value, str) else ""
    if not re.fullmatch(r"[!-~]+", text):
        raise UsageError("this is not a key: keys are letters and digits without spaces; copy it again.")
    return text


def _read_place(value: object) -> Place | None:
    text = str(value).strip()
    return None if text == "none" else Place.read(text)


def _read_command(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise UsageError("this takes a command for the shell, and there is none.")
    return value


READERS: Mapping[str, Callable[[object], Any]] = {
    **dict.fromkeys(SECRETS, _read_secret),
    "api_url": _read_url,
    "quota": _read_rate,
    "quota_ledger": _read_place,
    "pace": _read_rate,
    "workers": _read_workers,
    "give_up_after": read_duration,
    **dict.fromkeys(("on_complete", "on_trouble"), _read_command),
}
