"""What a call is asked with, as `NAME=VALUE` or from Python, and what is refused of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from harvester.errors import KeyRefused, UsageError, show
from harvester.flickr.method_list import METHODS, Method

Argument: TypeAlias = str | int | float | bool | Sequence[str | int] | None
"""A value from Python. Sequences are joined by commas, True and False are 1 and 0, None is left out."""

_OURS = frozenset({"api_key", "api_sig", "auth_token", "format", "jsoncallback", "method", "nojsoncallback"})


def read_pairs(texts: Iterable[str]) -> dict[str, str]:
    """The arguments of `NAME=VALUE` texts; a value may hold `=`, and may be empty. UsageError for what is none."""
    found: dict[str, str] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise UsageError(f"{show(text)} is no argument: write NAME=VALUE, as in photo_id=4195976808.")
        if name in found:
            raise UsageError(f"{show(name)} is given twice, and a method takes each argument once.")
        found[name] = value
    return check_arguments(found)


def write_values(values: Mapping[str, Argument]) -> dict[str, str]:
    """The arguments of a call from Python, as Flickr takes them."""
    return check_arguments({name: _write(name, value) for name, value in values.items() if value is not None})


def check_arguments(arguments: dict[str, str]) -> dict[str, str]:
    """The arguments; UsageError for one that the call itself brings, or that no UTF-8 can hold."""
    for name, value in arguments.items():
        if name.lower() in _OURS or name.lower().startswith("oauth_"):
            raise UsageError(f"{show(name)} is no argument to give: the call brings its method, key, login and format.")
        try:
            f"{name}{value}".encode()
        except UnicodeEncodeError:
            raise UsageError(f"The argument {show(name)} is no text in UTF-8.") from None
    return arguments


def check_allowed(method: Method, *, write: bool, signs: bool, perms: str | None) -> None:
    """Refuse a call that Flickr would refuse, or that writes unasked: UsageError, KeyRefused where a login is lacking.

    `perms` is what the login may do, None where that is not known.
    """
    if method.writes and not write:
        what = "changes" if method.name in METHODS else "may change"
        raise UsageError(
            f"{method.name} {what} what is at Flickr: say --write, from Python write=True, where that is meant."
        )
    if method.perms == "none":
        return
    login = f"run `{method.login}`"
    if not signs:
        raise KeyRefused(f"{method.name} needs a login: {login}.")
    if perms is not None and _LEVELS.index(method.perms) > _LEVELS.index(perms):
        raise KeyRefused(f"{method.name} needs a login that may {method.perms}, and this one may {perms}: {login}.")


_LEVELS = ("none", "read", "write", "delete")
"""Each includes those before it."""


def _write(name: str, value: object) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list | tuple):
        return ",".join(_write(name, each) for each in value)
    raise UsageError(f"{show(value)} is no value that Flickr takes: give a text, a number or a list.", field=name)
