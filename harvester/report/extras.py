"""Cameras, lenses and album titles out of the parts of a line that a table has no columns for. Pure.

`exif` is the answer of flickr.photos.getExif, `contexts` that of flickr.photos.getAllContexts.
"""

from __future__ import annotations

from typing import Any

import msgspec
import orjson

_LENS = ("LensModel", "Lens", "LensType", "LensInfo")
"""Where cameras write it, the most telling first."""
_SPACES = str.maketrans(dict.fromkeys("\r\n\t", " "))


class Extras(msgspec.Struct, frozen=True):
    """`has_exif` is true where Flickr has told it, be it empty; texts are "" where nothing tells them."""

    has_exif: bool = False
    camera: str = ""
    lens: str = ""
    albums: tuple[tuple[str, str], ...] = ()
    """The ids and titles of sets."""


NONE = Extras()


def read_extras(line: bytes) -> Extras:
    """What a line tells; nothing where it has none of these parts."""
    if b'"exif":{' not in line and b'"contexts":{' not in line:
        return NONE
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return NONE
    exif, contexts = found.get("exif"), found.get("contexts")
    tags = _read_tags(exif) if isinstance(exif, dict) else {}
    return Extras(
        has_exif=isinstance(exif, dict),
        camera=_name_camera(exif, tags) if isinstance(exif, dict) else "",
        lens=next((tags[name] for name in _LENS if tags.get(name)), ""),
        albums=_read_albums(contexts) if isinstance(contexts, dict) else (),
    )


def _name_camera(exif: dict[str, Any], tags: dict[str, str]) -> str:
    """Flickr's own name for it; else what the camera wrote, with its maker where the model does not begin with it."""
    if named := _clean(exif.get("camera")):
        return named
    maker, model = tags.get("Make", ""), tags.get("Model", "")
    first = maker.partition(" ")[0]
    return model if model and first and model.lower().startswith(first.lower()) else f"{maker} {model}".strip()


def _read_tags(exif: dict[str, Any]) -> dict[str, str]:
    told = exif.get("exif")
    entries = [entry for entry in (told if isinstance(told, list) else ()) if isinstance(entry, dict)]
    return {str(entry.get("tag")): _clean(entry.get("raw")) for entry in reversed(entries)}


def _read_albums(contexts: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    told = contexts.get("set")
    entries = [entry for entry in (told if isinstance(told, list) else ()) if isinstance(entry, dict)]
    return tuple((_clean(entry["id"]), _clean(entry.get("title"))) for entry in entries if entry.get("id"))


def _clean(value: object) -> str:
    """A text, bare or as `_content`, in one line."""
    if isinstance(value, dict):
        value = value.get("_content")
    return " ".join(value.translate(_SPACES).split()) if isinstance(value, str) else ""
