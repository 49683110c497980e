"""What harvests and updates cost, in calls, as the sandbox counts them: the table of the documentation.

`python tests/support/costs.py` writes it anew.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from harvester.engine.upkeep.update import run_update
from harvester.jobs.model import Account, Album, Favorites, Gallery, Group, Job, Photos, Search, Source
from harvester.sandbox.accounts import Accounts
from harvester.sandbox.albums import Albums
from harvester.sandbox.catalogue import CatalogueOptions
from harvester.sandbox.galleries import Galleries
from harvester.sandbox.server import Sandbox, SandboxOptions, open_sandbox
from support.accounts import ask_all, owner
from support.harvest import harvest_into, settings_for
from support.project import ROOT

TABLE = ROOT / "docs" / "calls.tsv"
COLUMNS = ("source", "photos", "list", "info", "full", "sizes", "update")
PHOTOS = 2_500
_HYDRATED = 40
_DEPTHS: Mapping[str, dict[str, Any]] = {
    "info": {"detail": "info"},
    "full": {"detail": "full"},
    "sizes": {"detail": "full", "sizes": "listing"},
}
Row = dict[str, str]


@contextmanager
def _fill_lists() -> Iterator[None]:
    """Sets, galleries and favourites hold all photos: those of the sandbox are small."""
    everything = list(range(PHOTOS))
    places = ((Albums, "members"), (Galleries, "_members"), (Accounts, "_favored_by"))
    with ExitStack() as stack:
        for place, name in places:
            stack.enter_context(patch.object(place, name, lambda *_, **__: everything))
        yield


def _name_sources(sandbox: Sandbox) -> dict[str, Source]:
    (album, *_) = ask_all(sandbox, "photosets.getList", "photosets", "photoset", user_id=owner(sandbox))
    (gallery, *_) = ask_all(sandbox, "galleries.getList", "galleries", "gallery", user_id=owner(sandbox, 1))
    return {
        "`search`": Search(tags="sandbox"),
        "`account --only photos`": Account(user=owner(sandbox), only="photos"),
        "`album`": Album(album=album["id"]),
        "`gallery`": Gallery(gallery=gallery["id"]),
        "`group`": Group(group=sandbox.catalogue.group_id),
        "`favorites`": Favorites(user=owner(sandbox)),
    }


async def measure() -> list[Row]:
    """The rows of the table. A harvest that is not complete is an error."""
    options = CatalogueOptions(photos=PHOTOS, owners=2)
    with _fill_lists(), tempfile.TemporaryDirectory() as folder:
        async with open_sandbox(SandboxOptions(catalogue=options)) as sandbox:
            sources = _name_sources(sandbox)
            rows = [await _measure(name, source, sandbox, Path(folder)) for name, source in sources.items()]
            ids = [str(sandbox.catalogue.id_of(n)) for n in range(_HYDRATED)]
            return [*rows, await _measure_ids(Photos(ids=ids), sandbox, Path(folder))]


async def _measure(name: str, source: Source, sandbox: Sandbox, folder: Path) -> Row:
    where = folder / name.strip("`")
    summary = await harvest_into(where, sandbox, Job(source=source, detail="list"))
    update = await run_update(where, settings_for(sandbox))
    assert (summary.status, update.status) == ("complete", "complete")
    depths = {depth: await _measure_depth(source, depth, sandbox, where) for depth in _DEPTHS}
    counts = {"source": name, "photos": f"{summary.photos:,}", "list": str(summary.calls), "update": str(update.calls)}
    return {**counts, **depths}


async def _measure_ids(source: Photos, sandbox: Sandbox, folder: Path) -> Row:
    depths = {depth: await _measure_depth(source, depth, sandbox, folder / "ids") for depth in ("info", "full")}
    return {"source": "`photos`", "photos": str(_HYDRATED), "list": "0", **depths, "sizes": "–", "update": "–"}


async def _measure_depth(source: Source, depth: str, sandbox: Sandbox, where: Path) -> str:
    """Calls for each photo, beside those of the listing."""
    asked = sandbox.stats.methods
    before = _count_parts(asked)
    job = Job(source=source, limit=_HYDRATED, **_DEPTHS[depth])
    summary = await harvest_into(where.with_name(f"{where.name} {depth}"), sandbox, job)
    assert (summary.status, summary.photos) == ("complete", _HYDRATED)
    return f"{(_count_parts(asked) - before) / _HYDRATED:.2f}"


def _count_parts(asked: Mapping[str, int]) -> int:
    return asked.get("flickr.photos.getInfo", 0) + asked.get("flickr.photos.getSizes", 0)


def read_table() -> list[Row]:
    """The table as it is written down."""
    lines = TABLE.read_text("utf-8").splitlines()
    return [dict(zip(COLUMNS, line.split("\t"), strict=True)) for line in lines]


def main() -> None:
    """Write the table."""
    with tempfile.TemporaryDirectory() as state:
        os.environ["HARVESTER_STATE_DIR"] = state
        rows = asyncio.run(measure())
    text = "".join("\t".join(row[name] for name in COLUMNS) + "\n" for row in rows)
    TABLE.write_text(text, "utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
