"""What cannot be meant is refused in a sentence where it is given from Python, and nothing is begun."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from harvester import Account, Album, Favorites, Flickr, Gallery, Group, Search, UsageError
from support.harvest import KEY

EVERYTHING = Search(tags="sandbox")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("workers", value) for value in (2.5, "4", True, None, 0, 1001)),
        *((name, value) for name in ("quota", "pace") for value in (3600, 5.0, None, True, b"5/s", "fast")),
        *(("give_up_after", value) for value in (True, "soon", -1, float("nan"), b"30m")),
        *((name, value) for name in ("api_key", "api_secret", "oauth_token") for value in (b"0123", 123, "a b")),
        *(("api_url", value) for value in (b"http://x", 5, "flickr.com")),
        ("observer", None),
        ("observer", "print"),
    ],
)
def test_a_setting_of_a_client_that_is_none_is_named(name: str, value: Any) -> None:
    with pytest.raises(UsageError, match=rf"^{name}: .*[.]$") as error:
        Flickr(**{"api_key": KEY, name: value})
    assert error.value.field == name


async def is_refused(field: str, **given: Any) -> None:
    """The call is refused with the argument's name, before a task or a file is there."""
    tasks = len(asyncio.all_tasks())
    async with Flickr(api_key=KEY) as flickr:
        with pytest.raises(UsageError, match=rf"^{field}: .*[.]$") as error:
            flickr.harvest(**{"source": EVERYTHING, **given})
        assert "--" not in str(error.value)
        assert len(asyncio.all_tasks()) == tasks


@pytest.mark.parametrize("limit", [2.5, True, "3", 0, -1, [1]])
async def test_a_limit_that_is_no_number_of_photos_is_refused(limit: Any, tmp_path: Path) -> None:
    await is_refused("limit", limit=limit)
    await is_refused("limit", limit=limit, archive=tmp_path / "a")
    async with Flickr(api_key=KEY) as flickr:
        with pytest.raises(UsageError, match=r"^limit: "):
            flickr.resume(tmp_path / "a", limit=limit)
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("source", [None, "monkey", b"monkey", Search, {"tags": "monkey"}, [EVERYTHING]])
async def test_what_is_no_source_is_refused(source: Any) -> None:
    await is_refused("source", source=source)


@pytest.mark.parametrize(("name", "value"), [("detail", "all"), ("detail", None), ("extras", "exf"), ("extras", 5)])
async def test_what_each_photo_is_to_have_is_checked(name: str, value: Any) -> None:
    await is_refused(name, **{name: value})


@pytest.mark.parametrize("archive", [b"a", 5, True, "", "-", "photos.ndjson", ["a"]])
async def test_what_is_no_folder_is_refused_as_an_archive(archive: Any) -> None:
    await is_refused("archive", archive=archive)
    async with Flickr(api_key=KEY) as flickr:
        for call in (flickr.resume, flickr.update, flickr.repair):
            with pytest.raises(UsageError, match=r"^archive: ") as error:
                await call(archive)  # type: ignore[misc]
            assert "standard output" not in str(error.value)


@pytest.mark.parametrize("value", [5, None, b"5", "", True])
@pytest.mark.parametrize(
    ("kind", "name"),
    [(Album, "album"), (Gallery, "gallery"), (Group, "group"), (Favorites, "user"), (Account, "user")],
)
def test_a_source_is_named_by_a_text(kind: Any, name: str, value: Any) -> None:
    with pytest.raises(UsageError, match=rf"^{name}: "):
        kind(**{name: value})


def test_a_search_without_filters_is_told_so_without_an_option_of_the_command_line() -> None:
    with pytest.raises(UsageError, match="at least one filter") as error:
        Search()
    assert "--" not in str(error.value)
