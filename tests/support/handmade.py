"""Archives made by hand: photos as a test wants them, and a manifest that vouches for them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import orjson

from harvester.archive.manifest import encode_manifest

STAMP = "2026-11-27T10:00:00Z"


def photo(photo_id: int | str, *, info: Mapping[str, Any] | None = None, **members: Any) -> dict[str, Any]:
    """A line of photos.ndjson with info and sizes."""
    told = {"id": str(photo_id), "owner": {"nsid": "12345678@N01", "username": "Ann"}, "title": {"_content": "A tree"}}
    line: dict[str, Any] = {
        "id": str(photo_id),
        "harvested_at": STAMP,
        "search": None,
        "info": {**told, **(info or {})},
        "sizes": {"size": []},
    }
    return {**line, **members}


def build_info(
    *, posted: int | str = 1261036980, tags: Iterable[str] = (), taken: str = "2009-12-17 08:03:40", **more: Any
) -> dict[str, Any]:
    """What getInfo tells of a photo."""
    return {
        "dates": {"posted": str(posted), "taken": taken, "takengranularity": "0", "takenunknown": "0"},
        "tags": {"tag": [{"raw": tag, "_content": tag} for tag in tags]},
        **more,
    }


def make_archive(folder: Path, photos: Iterable[Mapping[str, Any]], **facts: Any) -> Path:
    """Write an archive without a checkpoint, as one that was published."""
    folder.mkdir(parents=True)
    lists = facts.pop("lists", {})
    files: dict[str, Any] = {}
    for name, lines in {"photos.ndjson": photos, **lists}.items():
        encoded = [orjson.dumps(line) + b"\n" for line in lines]
        data = b"".join(encoded)
        (folder / name).write_bytes(data)
        files[name] = {"bytes": len(data), "lines": len(encoded), "sha256": hashlib.sha256(data).hexdigest()}
    told = {
        "format": 2,
        "harvester": "0.1.0",
        "status": "complete",
        "job": {"source": "search", "tags": ["monkey"]},
        "begun": STAMP,
        "updated": STAMP,
        "counts": {"photos": files["photos.ndjson"]["lines"], "reported": files["photos.ndjson"]["lines"]},
        "files": files,
        **facts,
    }
    (folder / "manifest.json").write_bytes(encode_manifest(told))
    return folder
