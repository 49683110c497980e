"""Tasks that several processes share, where one of them dies."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from harvester.export.pool import WorkerLost, do_all
from harvester.export.work import Setup


class Deadly:
    """Ends the process that it is handed to."""

    def __reduce__(self) -> tuple[Callable[[int], Any], tuple[int]]:
        return os._exit, (7,)


@pytest.mark.parametrize("tasks", [1, 2, 50])
def test_a_process_that_dies_is_told(tasks: int) -> None:
    setup: Any = Setup(
        format="ndjson",
        columns=(),
        places=(),
        excel=False,
        since="",
        memberships=(),
        wanted=frozenset(),
        in_pieces=True,
    )
    with pytest.raises(WorkerLost, match=r"^One of its processes has ended with 7: run it again, with --workers 1\.$"):
        list(do_all([Deadly() for _ in range(tasks)], setup, workers=2))
