"""What a proof has come to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from harvester.archive.disk.holder import Holder


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a proof has come to. An archive is whole where there are no findings.

    `folder` is the archive, or the address of a published copy. `notes` are no fault of it. `holder` is the process
    that is at work in it.
    """

    folder: Path | str
    findings: tuple[str, ...]
    notes: tuple[str, ...] = ()
    checked_by: Literal["checkpoint", "manifest"] = "checkpoint"
    holder: Holder | None = None

    @property
    def is_whole(self) -> bool:
        """Whether nothing was found."""
        return not self.findings
