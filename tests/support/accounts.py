"""Accounts of a sandbox, and whether an archive holds all of one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from harvester.flickr.methods import LISTING_EXTRAS
from harvester.sandbox.catalogue import Person
from harvester.sandbox.search import CALLER
from harvester.sandbox.server import Sandbox
from harvester.verify.archive import verify_archive
from support.archives import read_lines
from support.harvest import KEY


def ask(sandbox: Sandbox, method: str, **arguments: str) -> dict[str, Any]:
    """What the server says, past HTTP."""
    given = {"method": f"flickr.{method}", "api_key": KEY, "format": "json", "nojsoncallback": "1"}
    answer: dict[str, Any] = json.loads(sandbox.api.answer({**given, **arguments}))
    assert answer["stat"] == "ok", answer
    return answer


def ask_all(sandbox: Sandbox, method: str, container: str, rows: str, **arguments: str) -> list[dict[str, Any]]:
    """All rows of all pages."""
    found: list[dict[str, Any]] = []
    page = pages = 1
    while page <= pages:
        listed = ask(sandbox, method, page=str(page), per_page="500", **arguments)[container]
        found += listed.get(rows, [])
        page, pages = page + 1, int(listed.get("pages", 1))
    return found


def owner(sandbox: Sandbox, number: int = 0) -> str:
    return sandbox.catalogue.people[number].nsid


def list_photos(sandbox: Sandbox, nsid: str) -> list[dict[str, Any]]:
    """The rows of an account's photostream."""
    asked = {"user_id": nsid, "content_type": "7", "extras": LISTING_EXTRAS}
    return ask_all(sandbox, "people.getPhotos", "photos", "photo", **asked)


def check_listed(folder: Path, lines: list[dict[str, Any]], sandbox: Sandbox, nsid: str) -> None:
    """All photos of an account are there once as `lines`, with its sets, and nothing else."""
    rows = list_photos(sandbox, nsid)
    assert {line["id"]: line["search"] for line in lines} == {row["id"]: row for row in rows}
    assert len(lines) == len(rows)
    sets = ask_all(sandbox, "photosets.getList", "photosets", "photoset", user_id=nsid)
    assert [line["photoset"] for line in read_lines(folder / "photosets.ndjson")] == sets
    assert verify_archive(folder) == []
    assert not [path.name for path in folder.iterdir() if path.name.endswith(".part")]


def check_account(
    folder: Path,
    sandbox: Sandbox,
    nsid: str,
    *,
    login: str | None = None,
    lines: list[dict[str, Any]] | None = None,
) -> None:
    """Each file of the archive against the catalogue; `lines` are its photos where they are in parts."""
    caller = {} if login is None else {CALLER: login}
    photos = ask_all(sandbox, "people.getPhotos", "photos", "photo", user_id=nsid, content_type="7", **caller)
    lines = read_lines(folder / "photos.ndjson") if lines is None else lines
    assert sorted(line["id"] for line in lines) == sorted(row["id"] for row in photos)
    sets = {line["id"]: line for line in read_lines(folder / "photosets.ndjson")}
    assert list(sets) or not ask_all(sandbox, "photosets.getList", "photosets", "photoset", user_id=nsid)
    for row in ask_all(sandbox, "photosets.getList", "photosets", "photoset", user_id=nsid, **caller):
        line = sets.pop(row["id"])
        assert line["photoset"] == row
        members = ask_all(sandbox, "photosets.getPhotos", "photoset", "photo", photoset_id=row["id"], **caller)
        assert line["photo_ids"] == [member["id"] for member in members]
    assert not sets
    tree = ask(sandbox, "collections.getTree", user_id=nsid)["collections"].get("collection", [])
    assert [line["collection"] for line in read_lines(folder / "collections.ndjson")] == tree
    for gallery, line in zip(
        ask_all(sandbox, "galleries.getList", "galleries", "gallery", user_id=nsid),
        sorted(read_lines(folder / "galleries.ndjson"), key=lambda line: line["id"]),
        strict=True,
    ):
        assert line["gallery"] == gallery
        rows = ask_all(
            sandbox, "galleries.getPhotos", "photos", "photo", gallery_id=gallery["id"], extras=LISTING_EXTRAS
        )
        assert line["photo_ids"] == [row["id"] for row in rows]
        assert line["photos"] == rows
    favorites = ask_all(sandbox, "favorites.getPublicList", "photos", "photo", user_id=nsid, extras=LISTING_EXTRAS)
    assert all("date_faved" in row for row in favorites)
    assert [line["favorite"] for line in read_lines(folder / "favorites.ndjson")] == favorites
    listing = "contacts.getPublicList" if login is None else "contacts.getList"
    contacts = ask_all(sandbox, listing, "contacts", "contact", user_id=nsid, **caller)
    assert [line["contact"] for line in read_lines(folder / "contacts.ndjson")] == contacts
    listing = "people.getPublicGroups" if login is None else "people.getGroups"
    groups = ask(sandbox, listing, user_id=nsid, **caller)["groups"]["group"]
    assert [line["group"] for line in read_lines(folder / "groups.ndjson")] == groups
    assert [line["person"] for line in read_lines(folder / "people.ndjson")] == [
        ask(sandbox, "people.getInfo", user_id=nsid, **caller)["person"]
    ]


def call_them(sandbox: Sandbox, *names: tuple[str, str | None]) -> list[Person]:
    """Give the first people of the catalogue user names and path aliases."""
    people = list(sandbox.catalogue.people)
    for number, (username, alias) in enumerate(names):
        people[number] = replace(people[number], username=username, alias=alias)
    sandbox.catalogue.people = tuple(people)
    return people
