"""The commands of the page about publishing run, against a bucket of the name that it uses."""

from __future__ import annotations

from pathlib import Path

import pytest

from harvester.verify.archive import verify_archive
from support.harvest import Opener
from support.object_stores import open_bucket
from support.project import ROOT
from support.scripts import make_scripts, needs_jq, run_all


@pytest.mark.slow
@needs_jq
async def test_the_commands_about_publishing_run_in_their_order(
    sandbox_of: Opener, s3_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "docs" / "pages" / "guide" / "publishing.md").read_text(encoding="utf-8")
    with open_bucket(s3_server, name="my-bucket") as bucket:
        for name, value in {**bucket.environment, "AWS_ALLOW_HTTP": "true"}.items():
            monkeypatch.setenv(name, value)
        async with sandbox_of(photos=2_000, owners=20) as sandbox:
            await run_all(make_scripts(text), sandbox, tmp_path)
    assert verify_archive(tmp_path / "again") == []
    assert any(path.startswith("monkeys/photos-00001.") for _, path in bucket.asked)
