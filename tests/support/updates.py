"""Updates, after which the archive is whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harvester.engine.upkeep.update import run_update
from harvester.sandbox.server import Sandbox
from harvester.verify.archive import verify_archive
from support.archives import ids_of
from support.harvest import settings_for


async def update(folder: Path, sandbox: Sandbox) -> Any:
    summary = await run_update(folder, settings_for(sandbox))
    assert verify_archive(folder) == []
    ids = ids_of(folder)
    assert len(ids) == len(set(ids))
    return summary
