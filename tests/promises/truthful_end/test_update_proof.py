"""An update builds upon nothing that `verify` would refuse."""

from __future__ import annotations

from pathlib import Path

import pytest

from harvester.engine.upkeep.update import run_update
from harvester.errors import CannotWrite
from harvester.jobs.model import Account, Job, Search
from harvester.sandbox.server import Sandbox
from harvester.verify.archive import verify_archive
from support.accounts import check_account, owner
from support.archives import changes_of, ids_of, read_lines
from support.harvest import Opener, harvest_into, settings_for


def alter(path: Path, old: bytes, new: bytes) -> bytes:
    """Change some bytes of a file, and no length; what it was."""
    before = path.read_bytes()
    assert old in before
    assert len(old) == len(new)
    path.write_bytes(before.replace(old, new, 1))
    return before


@pytest.mark.parametrize("name", ["photos", "changes"])
async def test_an_update_refuses_a_file_that_was_altered_since(name: str, sandbox: Sandbox, tmp_path: Path) -> None:
    await harvest_into(tmp_path, sandbox, Job(source=Search(tags="sandbox"), detail="list"))
    path = tmp_path / f"{name}.ndjson"
    for n in range(2):
        sandbox.api.control({"change": ids_of(tmp_path)[:1]})
        if n:
            before = alter(path, b'"id":"', b'"iD":"') if name == "changes" else alter(path, b'"farm":', b'"form":')
            with pytest.raises(CannotWrite, match=r"does not have the sha256 that manifest\.json tells"):
                await run_update(tmp_path, settings_for(sandbox))
            assert any("its sha256 is not that of manifest.json" in finding for finding in verify_archive(tmp_path))
            path.write_bytes(before)
        await run_update(tmp_path, settings_for(sandbox))
    assert len(changes_of(tmp_path)["changed"]) == 2
    assert verify_archive(tmp_path) == []


async def test_an_update_without_news_refuses_an_altered_file_too(sandbox: Sandbox, tmp_path: Path) -> None:
    await harvest_into(tmp_path, sandbox, Job(source=Search(tags="sandbox"), detail="list"))
    before = alter(tmp_path / "photos.ndjson", b'"farm":', b'"form":')
    with pytest.raises(CannotWrite, match=r"does not have the sha256 that manifest\.json tells"):
        await run_update(tmp_path, settings_for(sandbox))
    (tmp_path / "photos.ndjson").write_bytes(before)
    assert (await run_update(tmp_path, settings_for(sandbox))).status == "complete"


@pytest.mark.slow
async def test_a_set_of_an_altered_file_is_read_again(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=300, owners=1) as sandbox:
        await harvest_into(tmp_path, sandbox, Job(source=Account(user=owner(sandbox)), detail="list"))
        (first, *_), path = read_lines(tmp_path / "photosets.ndjson"), tmp_path / "photosets.ndjson"
        member = first["photo_ids"][0]
        alter(path, f'"photo_ids":["{member}"'.encode(), f'"photo_ids":["{"9" * len(member)}"'.encode())
        await run_update(tmp_path, settings_for(sandbox))
        check_account(tmp_path, sandbox, owner(sandbox))
    assert verify_archive(tmp_path) == []
