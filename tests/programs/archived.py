"""A script that makes an archive, looks at all that is in it, exports it and keeps it up to date."""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime
from pathlib import Path
from typing import assert_type

from harvester import Archive, Photo, Search, Summary, UsageError, harvest

QUICK = "100000/h"
folder = Path(sys.argv[1])
try:
    Archive(folder)
except UsageError as error:
    print(error)

harvested = {photo.id: photo for photo in harvest(Search(tags="sandbox"), archive=folder, quota=QUICK, pace="none")}


def look() -> list[Photo]:
    archive = Archive(folder)
    photos = list(archive)
    assert len(archive) == len(photos) == len(harvested)
    for photo in photos:
        assert photo.line == harvested[photo.id].line
        assert_type(photo.taken, datetime | None)
        assert photo.title == photo.info["title"]["_content"]
        assert photo.tags == [tag["_content"] for tag in photo.info["tags"]["tag"]]
        assert photo.owner_id == photo.info["owner"]["nsid"]
        assert photo.owner == photo.info["owner"]["username"]
        assert photo.posted is not None
        assert photo.posted.timestamp() == int(photo.info["dates"]["posted"])
        areas = [int(size["width"] or 0) * int(size["height"] or 0) for size in photo.sizes["size"]]
        if photo.largest is not None and photo.info["media"] == "photo":
            assert (photo.largest.width or 0) * (photo.largest.height or 0) == max(areas)
    assert archive.status().state == "complete"
    assert archive.verify().is_whole
    assert not archive.missing
    assert list(archive.entries) == []
    return photos


async def look_in_a_notebook() -> list[Photo]:
    return look()


assert [photo.id for photo in look()] == [photo.id for photo in asyncio.run(look_in_a_notebook())]
archive = Archive(str(folder))
exported = archive.export(folder.with_suffix(".csv"), format="csv", columns=["id", "title"], since="2005-01-01")
page = folder.with_suffix(".html")
assert archive.report(page, anonymize=True) == len(archive)
assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
summary = archive.update(quota=QUICK, pace="none")
assert_type(summary, Summary)
assert not archive.repair(dry_run=True).is_needed
told = f"{len(archive)} {exported.rows} {summary.status}"
data = folder / "photos.ndjson"
lines = data.read_bytes().splitlines(keepends=True)
lines[4] = lines[4].replace(b'"info":', b'"info"=')
data.write_bytes(b"".join(lines))
try:
    list(archive)
except UsageError as error:
    print(error)
print(told)
