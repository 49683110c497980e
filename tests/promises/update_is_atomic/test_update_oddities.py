"""Updates where Flickr answers oddly: what comes, goes, hides and moves while it is listed and asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harvester.jobs.model import Account, Job, Search
from harvester.sandbox.server import Sandbox
from support.accounts import ask_all, check_account, owner
from support.answers import Patch, build_patch
from support.archives import changes_of, history_of, ids_of, read_lines
from support.harvest import Opener, harvest_into
from support.updates import update


@pytest.fixture
def patch(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Patch:
    """`patch(method, change)`: the answers of a method pass through `change`, which gets the query too."""
    return build_patch(sandbox, monkeypatch)


@pytest.mark.slow
async def test_a_photo_that_hides_and_comes_back_is_removed_and_added(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patch = build_patch(sandbox, monkeypatch)
    await harvest_into(tmp_path, sandbox, Job(source=Account(user=owner(sandbox)), detail="info"))
    hidden = ids_of(tmp_path)[3]

    def without(answer: dict[str, Any], _: dict[str, str]) -> dict[str, Any]:
        for container in ("photos", "photoset"):
            if container in answer:
                answer[container]["photo"] = [row for row in answer[container]["photo"] if row["id"] != hidden]
        return answer

    for method in ("people.getPhotos", "photos.search", "photosets.getPhotos"):
        patch(method, without)
    patch("photos.getInfo", lambda answer, query: None if query["photo_id"] == hidden else answer)
    await update(tmp_path, sandbox)
    assert hidden not in ids_of(tmp_path)
    (told,) = changes_of(tmp_path)["removed"]
    assert (told["id"], told["code"]) == (hidden, 1)
    monkeypatch.undo()
    await update(tmp_path, sandbox)
    assert [line["id"] for line in changes_of(tmp_path)["added"]] == [hidden]
    check_account(tmp_path, sandbox, owner(sandbox))


async def test_a_photo_that_changes_between_listing_and_asking_is_up_to_date_after_the_next_update(
    sandbox: Sandbox, tmp_path: Path, patch: Patch
) -> None:
    changing: list[str] = []

    def change(answer: dict[str, Any], query: dict[str, str]) -> dict[str, Any]:
        if not changing:
            changing.append(query["photo_id"])
            sandbox.api.control({"change": changing})
        return answer

    patch("photos.getInfo", change)
    await harvest_into(tmp_path, sandbox, Job(source=Search(tags="sandbox"), detail="info"))
    await update(tmp_path, sandbox)
    (line,) = [line for line in read_lines(tmp_path / "photos.ndjson") if line["id"] == changing[0]]
    assert line["info"]["title"]["_content"].endswith("(edited)")
    assert line["info"]["dates"]["lastupdate"] == line["search"]["lastupdate"]
    assert (await update(tmp_path, sandbox)).new == 0


@pytest.mark.parametrize("detail", ["list", "info"])
async def test_photos_whose_last_change_is_not_told_are_asked_for_and_stay_as_they_are(
    detail: Any, sandbox: Sandbox, tmp_path: Path, patch: Patch
) -> None:
    def without(answer: dict[str, Any], _: dict[str, str]) -> dict[str, Any]:
        for row in answer["photos"]["photo"][:7]:
            del row["lastupdate"]
        return answer

    patch("photos.search", without)
    await harvest_into(tmp_path, sandbox, Job(source=Search(tags="sandbox"), detail=detail))
    before = sorted((tmp_path / "photos.ndjson").read_bytes().splitlines())
    summary = await update(tmp_path, sandbox)
    assert summary.new <= 7
    assert summary.notes == ("Since the last time: nothing has changed.",)
    assert sorted((tmp_path / "photos.ndjson").read_bytes().splitlines()) == before


@pytest.mark.slow
async def test_a_set_that_goes_between_list_and_members_says_so_until_it_is_gone_or_back(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patch = build_patch(sandbox, monkeypatch)
    album = ask_all(sandbox, "photosets.getList", "photosets", "photoset", user_id=owner(sandbox))[1]["id"]
    patch("photosets.getPhotos", lambda answer, query: None if query["photoset_id"] == album else answer)
    job = Job(source=Account(user=owner(sandbox)), detail="list")
    assert (await harvest_into(tmp_path, sandbox, job)).status == "complete"
    (line,) = [line for line in read_lines(tmp_path / "photosets.ndjson") if line["id"] == album]
    assert (line["photo_ids"], line["errors"]["photos"]["code"]) == (None, 1)
    monkeypatch.undo()
    await update(tmp_path, sandbox)
    check_account(tmp_path, sandbox, owner(sandbox))
    assert [line["id"] for line in history_of(tmp_path)] == [album]


@pytest.mark.slow
async def test_a_set_without_photos_and_one_whose_pages_overlap_are_right(
    sandbox_of: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sandbox_of(photos=1_400, owners=1) as sandbox:
        patch = build_patch(sandbox, monkeypatch)
        sets = ask_all(sandbox, "photosets.getList", "photosets", "photoset", user_id=owner(sandbox))
        empty, large = sets[0]["id"], sets[1]["id"]
        photos = ask_all(sandbox, "people.getPhotos", "photos", "photo", user_id=owner(sandbox))
        moves = 1

        def members(answer: dict[str, Any], query: dict[str, str]) -> dict[str, Any]:
            nonlocal moves
            found, page = answer["photoset"], int(query["page"])
            if query["photoset_id"] == empty:
                found |= {"photo": [], "total": "0", "pages": 0}
            if query["photoset_id"] == large:  # one photo was put in front while it was read: all move on by one
                start = (page - 1) * 500 - (moves if page > 1 else 0)
                moves = moves if page < 3 else 0
                found |= {"photo": photos[max(0, start) :][:500], "total": str(len(photos)), "pages": 3}
            return answer

        patch("photosets.getPhotos", members)
        await harvest_into(tmp_path, sandbox, Job(source=Account(user=owner(sandbox)), detail="list"))
        await update(tmp_path, sandbox)
    lines = {line["id"]: line for line in read_lines(tmp_path / "photosets.ndjson")}
    assert lines[empty]["photo_ids"] == []
    assert lines[large]["photo_ids"] == [row["id"] for row in photos]


def without_moment(path: Path) -> list[dict[str, Any]]:
    """A file's lines, but for the moments at which they were harvested."""
    return [{name: value for name, value in line.items() if name != "harvested_at"} for line in read_lines(path)]


async def test_galleries_named_without_their_owners_number_are_followed_too(
    sandbox: Sandbox, tmp_path: Path, patch: Patch
) -> None:
    def short(answer: dict[str, Any], _: dict[str, str]) -> dict[str, Any]:
        for row in answer["galleries"]["gallery"]:
            row["id"] = row["id"].rpartition("-")[2]
        return answer

    patch("galleries.getList", short)
    await harvest_into(tmp_path, sandbox, Job(source=Account(user=owner(sandbox, 2), only="galleries")))
    lines = without_moment(tmp_path / "galleries.ndjson")
    assert lines
    assert all(line["photo_ids"] and "-" not in line["id"] for line in lines)
    calls = sandbox.stats.calls
    await update(tmp_path, sandbox)
    assert without_moment(tmp_path / "galleries.ndjson") == lines
    assert sandbox.stats.calls == calls + 2  # person and list: no gallery is read again


@pytest.mark.slow
async def test_an_archive_with_further_parts_keeps_them_through_updates(sandbox: Sandbox, tmp_path: Path) -> None:
    extras: tuple[str, ...] = ("exif", "comments", "contexts", "people", "favorites")
    await harvest_into(tmp_path, sandbox, Job(source=Search(tags="sandbox"), extras=extras))
    ids = ids_of(tmp_path)
    sandbox.api.control({"change": ids[:3], "add": 2, "delete": ids[5:6]})
    assert (await update(tmp_path, sandbox)).new == 5
    assert all(set(extras) < set(line) for line in read_lines(tmp_path / "photos.ndjson"))
    assert all("search.lastupdate" in line["members"] for line in changes_of(tmp_path)["changed"])


@pytest.mark.slow
async def test_favourites_that_are_harvested_are_followed_too(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=900, owners=3) as sandbox:
        source = Account(user=owner(sandbox), only="photos,favorites", hydrate="favorites")
        await harvest_into(tmp_path, sandbox, Job(source=source, detail="info"))
        own = {row["id"] for row in ask_all(sandbox, "people.getPhotos", "photos", "photo", user_id=owner(sandbox))}
        faved = [i for i in ids_of(tmp_path) if i not in own]
        sandbox.api.control({"change": faved[:4], "delete": faved[6:8]})
        summary = await update(tmp_path, sandbox)
    assert summary.new == 4
    told = changes_of(tmp_path)
    assert {line["id"] for line in told["changed"]} == set(faved[:4])
    assert {line["id"] for line in told["removed"]} == set(faved[6:8])
