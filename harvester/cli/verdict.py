"""How `harvester verify` tells what it has found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from harvester.cli.show import show_facts, show_lines
from harvester.errors import Exit
from harvester.text.escapes import escape_line

if TYPE_CHECKING:
    from harvester.verify.archive import Verdict


def show_verdict(verdict: Verdict, *, as_json: bool, is_alone: bool) -> Exit:
    """Tell it on standard output; the exit code. Of several archives each sentence names its own."""
    if as_json:
        show_facts(
            {
                "archive": str(verdict.folder),
                "whole": verdict.is_whole,
                "checked_by": verdict.checked_by,
                "running_pid": verdict.holder.pid if verdict.holder else None,
                "findings": list(verdict.findings),
                "notes": list(verdict.notes),
            },
            as_json=True,
        )
    else:
        before = "" if is_alone else f"{verdict.folder}: "
        show_lines(escape_line(f"{before}{line}") for line in (*verdict.notes, *verdict.findings))
        show_lines(map(escape_line, _tell_whole(verdict)))
    return Exit.COMPLETE if verdict.is_whole else Exit.INCOMPLETE


def _tell_whole(verdict: Verdict) -> Iterator[str]:
    if verdict.is_whole:
        yield f"{verdict.folder} is whole."
