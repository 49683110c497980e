"""Lines with letters in place of escapes: in every file, and over updates of the archive."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from harvester.engine.run import Output, run_job
from harvester.engine.upkeep.update import run_update
from harvester.jobs.model import Account, Job
from harvester.verify.archive import verify_archive
from support.archives import read_lines
from support.harvest import Opener, harvest_into, settings_for


def dump_as_flickr(value: Any) -> bytes:
    """All but ASCII escaped."""
    return json.dumps(value, separators=(",", ":")).encode()


def escapes_of(folder: Path) -> dict[str, bool]:
    return {path.name: b"\\u" in path.read_bytes() for path in sorted(folder.glob("p*.ndjson"))}


async def test_an_archive_with_letters_is_updated_with_letters(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harvester.sandbox.shapes.orjson", SimpleNamespace(dumps=dump_as_flickr, loads=orjson.loads))
    async with sandbox_of(photos=60, owners=1) as sandbox:
        job = Job(source=Account(user=sandbox.catalogue.people[0].nsid, only=("photos", "photosets", "person")))
        settings = settings_for(sandbox)
        await harvest_into(tmp_path / "sent", sandbox, job)
        await run_job(job, settings, output=Output(folder=tmp_path / "letters", unescape=True))
        assert any(escapes_of(tmp_path / "sent").values())
        ids = [line["id"] for line in read_lines(tmp_path / "letters" / "photos.ndjson")]
        sandbox.api.control({"change": ids[:10], "delete": ids[20:25], "add": 5})
        for folder in ("sent", "letters"):
            assert (await run_update(tmp_path / folder, settings)).status == "complete"
            assert verify_archive(tmp_path / folder) == []
    assert not any(escapes_of(tmp_path / "letters").values())
    assert escapes_of(tmp_path / "sent")["photos.ndjson"]
    for name in ("photos.ndjson", "photosets.ndjson"):
        sent, letters = ({line["id"]: line for line in read_lines(tmp_path / f / name)} for f in ("sent", "letters"))
        for line in (*sent.values(), *letters.values()):
            del line["harvested_at"]
        assert sent == letters
