"""Cameras, lenses and album titles out of the parts of a line that a table has no columns for. Pure.

`exif` is the answer of flickr.photos.getExif, `contexts` that of flickr.photos.getAllContexts.
"""

from __future__ import annotations

from typing import Any

import msgspec
import orjson

from harvester.export.reading import Buffer

_LENS = ("LensModel", "Lens", "LensType", "LensInfo")
"""Where cameras write it, the most telling first."""
_SPACES = str.maketrans(dict.fromkeys("\r\n\t", " "))


class Exif(msgspec.Struct, frozen=True):
    """What took a photo; "" where nothing tells it."""

    camera: str = ""
    lens: str = ""


def read_exif(part: Buffer) -> Exif | None:
    """What the part `exif` of a line tells; None where Flickr has refused it."""
    exif = orjson.loads(part)
    if not isinstance(exif, dict):
        return None
    tags = _read_tags(exif)
    return Exif(
        camera=_name_camera(exif, tags),
        lens=next((tags[name] for name in _LENS if tags.get(name)), ""),
    )


def read_albums(line: Buffer) -> list[tuple[str, str]]:
    """The ids and titles of the sets that the part `contexts` of a line tells."""
    contexts = orjson.loads(line).get("contexts")
    told = contexts.get("set") if isinstance(contexts, dict) else None
    entries = [entry for entry in (told if isinstance(told, list) else ()) if isinstance(entry, dict)]
    return [(_clean(entry["id"]), _clean(entry.get("title"))) for entry in entries if entry.get("id")]


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


def _clean(value: object) -> str:
    """A text, bare or as `_content`, in one line."""
    if isinstance(value, dict):
        value = value.get("_content")
    return " ".join(value.translate(_SPACES).split()) if isinstance(value, str) else ""
