"""Lists that are no search end after a bounded number of calls too, and not before the rows end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from harvester.engine.upkeep.update import run_update
from harvester.flickr.responses import Listed
from harvester.jobs.model import Account, Group, Job, Search
from harvester.listing.walk import Walk, advance_walk
from harvester.sandbox.server import Sandbox
from support.accounts import ask, ask_all
from support.archives import read_lines
from support.harvest import Opener, harvest_into, settings_for


def claim(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, method: str, change: Callable[[Any], None]) -> None:
    """From now on the answers of a method claim something else."""
    answer = sandbox.api.answer

    def answer_otherwise(query: Any) -> bytes:
        body = answer(query)
        if query["method"] != method:
            return body
        said = orjson.loads(body)
        change(next(value for value in said.values() if isinstance(value, dict)))
        return orjson.dumps(said)

    monkeypatch.setattr(sandbox.api, "answer", answer_otherwise)


def count_pages(size: int, rows: Callable[[int], list[str]], *, pages: int | None, total: int | None) -> int:
    """Answers until a walk ends, given the ids on each page."""
    walk, asked, seen = Walk(listing="contacts"), 0, set[tuple[int, str]]()
    while asked < 1_000:
        ids = rows(walk.page)[:size]
        listed = Listed(rows=tuple((i, b"{}") for i in ids), total=total, pages=pages)
        repeated = sum((walk.reads, i) in seen for i in ids)
        seen |= {(walk.reads, i) for i in ids}
        asked += 1
        step = advance_walk(walk, listed, repeated=repeated)
        if step.walk is None:
            return asked
        walk = step.walk
    return asked


@pytest.mark.parametrize("total", [None, 0, 10**9])
@pytest.mark.parametrize("pages", [None, -5, 0, 1, 10**9])
@pytest.mark.parametrize("count", [0, 1, 1_000])
def test_a_list_whose_pages_are_all_the_same_ends(count: int, pages: int | None, total: int | None) -> None:
    ids = [str(n + 1) for n in range(count)]
    assert count_pages(1_000, lambda _: ids, pages=pages, total=total) <= 12


@pytest.mark.parametrize("pages", [None, -5, 0, 1, 3, 10**9])
def test_a_list_is_read_to_its_end_whatever_count_of_pages_it_claims(pages: int | None) -> None:
    people = [str(n + 1) for n in range(2_500)]
    shown: set[str] = set()

    def rows(page: int) -> list[str]:
        part = people[1_000 * (page - 1) : 1_000 * page]
        shown.update(part)
        return part

    assert count_pages(1_000, rows, pages=pages, total=2_500) <= 12
    assert len(shown) == 2_500


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["short", "nameless", "smaller", "repeated", "empty"])
async def test_a_pool_is_whole_though_a_page_is_short_in_passing_or_pages_change_their_size(
    fault: str, sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sandbox_of(photos=3_600) as sandbox:
        answer, asked, group = sandbox.api.answer, list[str](), sandbox.catalogue.group_id
        pool = [row["id"] for row in ask_all(sandbox, "groups.pools.getPhotos", "photos", "photo", group_id=group)]

        def answer_otherwise(query: Any) -> bytes:
            if query["method"] != "flickr.groups.pools.getPhotos" or query["page"] == "1":
                return answer(query)
            asked.append(query["page"])
            is_first = asked.count("2") == 1 and query["page"] == "2"
            if fault == "smaller":  # from the second page on: the rows come again, and there are more pages
                return answer({**query, "per_page": "250"})
            said = orjson.loads(answer(query))
            if fault == "short" and is_first:
                del said["photos"]["photo"][-7:]
            if fault == "nameless" and is_first:
                del said["photos"]["photo"][7]["id"]
            if fault == "repeated" and is_first:
                return answer({**query, "page": "1"})
            if fault == "empty" and query["page"] == "2":  # all of it is hidden
                said["photos"]["photo"] = []
            return orjson.dumps(said)

        monkeypatch.setattr(sandbox.api, "answer", answer_otherwise)
        await harvest_into(tmp_path, sandbox, Job(source=Group(group=group), detail="list"))
        shown = pool[:500] + pool[1_000:] if fault == "empty" else pool
        assert sorted(line["id"] for line in read_lines(tmp_path / "photos.ndjson")) == sorted(shown)


LISTS = {
    "photosets": ("flickr.photosets.getList", "photosets"),
    "collections": ("flickr.collections.getTree", "collections"),
    "galleries": ("flickr.galleries.getList", "galleries"),
    "groups": ("flickr.people.getPublicGroups", "groups"),
    "favorites": ("flickr.favorites.getPublicList", "photos"),
    "contacts": ("flickr.contacts.getPublicList", "contacts"),
}


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("empty", [{"page": 1, "pages": 0, "perpage": 500, "total": 0}, {}])
async def test_no_list_of_an_account_is_lost_to_an_answer_that_is_empty_in_passing(
    empty: dict[str, int], name: str, sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    method, container = LISTS[name]
    async with sandbox_of(photos=200, owners=4) as sandbox:
        answer, asked = sandbox.api.answer, list[str]()
        nsids = [person.nsid for person in sandbox.catalogue.people]
        honest = [ask(sandbox, method.removeprefix("flickr."), user_id=nsid, per_page="500") for nsid in nsids]
        count, nsid = max((_count(found[container]), nsid) for found, nsid in zip(honest, nsids, strict=True))

        def answer_otherwise(query: Any) -> bytes:
            if query["method"] == method:
                asked.append(method)
            is_empty = query["method"] == method and len(asked) == 1
            return orjson.dumps({container: empty, "stat": "ok"}) if is_empty else answer(query)

        monkeypatch.setattr(sandbox.api, "answer", answer_otherwise)
        await harvest_into(tmp_path, sandbox, Job(source=Account(user=nsid, only=name), detail="list"))
        assert len(read_lines(tmp_path / f"{name}.ndjson")) == count > 0


def _count(container: dict[str, Any]) -> int:
    """Rows of a list's first page."""
    return sum(len(rows) for rows in container.values() if isinstance(rows, list))


async def test_an_update_drops_no_photo_of_a_pool_that_answers_empty_in_passing(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sandbox_of(photos=600) as sandbox:
        await harvest_into(tmp_path, sandbox, Job(source=Group(group=sandbox.catalogue.group_id), detail="list"))
        before, answer, asked = read_lines(tmp_path / "photos.ndjson"), sandbox.api.answer, list[str]()

        def answer_otherwise(query: Any) -> bytes:
            if query["method"] == "flickr.groups.pools.getPhotos":
                asked.append(query["page"])
            is_empty = len(asked) == 1 and query["method"] == "flickr.groups.pools.getPhotos"
            nothing = {"page": 1, "pages": 0, "perpage": 500, "total": "0", "photo": []}
            return orjson.dumps({"photos": nothing, "stat": "ok"}) if is_empty else answer(query)

        monkeypatch.setattr(sandbox.api, "answer", answer_otherwise)
        assert (await run_update(tmp_path, settings_for(sandbox))).status == "complete"
        assert len(asked) > 1
        assert read_lines(tmp_path / "photos.ndjson") == before != []


async def test_favourites_of_a_photo_end_where_no_new_ones_come(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sandbox_of(photos=3) as sandbox:
        claim(sandbox, monkeypatch, "flickr.photos.getFavorites", lambda photo: photo.update(pages=10**9))
        job = Job(source=Search(tags=("sandbox",)), detail="list", extras=("favorites",))
        assert (await harvest_into(tmp_path, sandbox, job)).status == "complete"
        for line in read_lines(tmp_path / "photos.ndjson"):
            people = [person["nsid"] for person in line["favorites"]["person"]]
            assert len(people) == len(set(people)) == int(line["favorites"]["total"])
        assert sandbox.stats.methods["flickr.photos.getFavorites"] <= 3 * 12


@pytest.mark.slow
async def test_the_contacts_of_an_account_end_where_no_new_ones_come(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sandbox_of(photos=20) as sandbox:
        claim(sandbox, monkeypatch, "flickr.contacts.getPublicList", lambda contacts: contacts.update(pages=10**9))
        source = Account(user=sandbox.catalogue.people[0].nsid, only=("contacts",))
        await harvest_into(tmp_path, sandbox, Job(source=source, detail="list"))
        ids = [line["id"] for line in read_lines(tmp_path / "contacts.ndjson")]
        assert len(ids) == len(set(ids)) > 0
        assert sandbox.stats.methods["flickr.contacts.getPublicList"] <= 12
