"""Flickr's JSON as it comes: mostly valid, now and then with a wrapper, odd escapes, bytes that are no text. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import orjson

from harvester.errors import TryLater

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:.*<)?(?:!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL)


def read_members(body: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The answer parsed, and the JSON of each of its members on one line. TryLater where it is no object."""
    answer: Any
    try:
        answer = orjson.loads(body)
        if isinstance(answer, dict) and b"\n" not in body and b"\r" not in body:
            return answer, {name: bytes(raw) for name, raw in _members.decode(body).items()}
    except (orjson.JSONDecodeError, msgspec.DecodeError, RecursionError):
        pass
    answer = _read_carefully(body)
    return answer, {name: dump(value) for name, value in answer.items()}


def _read_carefully(body: bytes) -> dict[str, Any]:
    text = _unwrap(body.decode("utf-8-sig", "replace").strip())
    for repair in (str, _without_quote_escapes):
        try:
            answer = json.loads(repair(text), strict=False, parse_constant=_refuse, parse_float=_finite)
        except (ValueError, RecursionError):
            continue
        if isinstance(answer, dict):
            return {_whole(name): _repair_value(value) for name, value in answer.items()}
    check_page(body)
    raise TryLater("an answer that is not JSON" if body else "an empty answer")


def _unwrap(text: str) -> str:
    """Without the `jsonFlickrApi(…)` that comes when `nojsoncallback` is overlooked."""
    found = re.fullmatch(r"[A-Za-z_]\w*\((.*)\);?", text, re.DOTALL)
    return found[1] if found else text


def _without_quote_escapes(text: str) -> str:
    r"""Flickr's feeds have held `\'`, which is not JSON (wet-boew#6997)."""
    return re.sub(r"(?<!\\)((?:\\\\)*)\\'", r"\1'", text)


def _refuse(constant: str) -> float:
    raise ValueError(constant)


def _finite(text: str) -> float:
    value = float(text)
    return value if abs(value) != float("inf") else _refuse(text)


def _whole(text: str) -> str:
    """Without lone surrogates, which no UTF-8 can hold."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _repair_value(value: Any) -> Any:
    if isinstance(value, str):
        return _whole(value)
    if isinstance(value, dict):
        return {_whole(name): _repair_value(inner) for name, inner in value.items()}
    return [_repair_value(inner) for inner in value] if isinstance(value, list) else value


def dump(value: Any) -> bytes:
    """Compact JSON of a value; whole numbers may have any length."""
    try:
        return orjson.dumps(value)
    except TypeError:  # beyond 64 bits, or nested past 254 levels
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def read_number(value: Any) -> int | None:
    """Flickr's numbers come as numbers, as numeric text, as empty text, or not at all."""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str) and value.isascii() and value.strip().isdigit() and len(value) < 19:
        return int(value)
    return None


def check_page(body: bytes) -> None:
    """Raise TryLater for a web page, which a captive portal, or a wrong address, gives with status 200."""
    if _PAGE.match(body[:2000]):
        raise TryLater("a web page came, as from a network's login page or a wrong address", foreign=True)
