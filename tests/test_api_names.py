"""What `harvester` exports, and that the export costs a command line nothing."""

from __future__ import annotations

import subprocess
import sys
from typing import get_args

import harvester
from harvester import errors, events, model


def test_all_sources_errors_and_events_are_exported() -> None:
    kinds = {kind.__name__ for kind in (*get_args(model.Source), *get_args(events.Event), events.Summary)}
    kinds |= {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}
    assert kinds <= set(harvester.__all__)


def test_each_exported_name_is_there() -> None:
    assert [name for name in harvester.__all__ if getattr(harvester, name) is None] == []


def test_importing_the_package_imports_nothing_more() -> None:
    code = "import sys, harvester; print([name for name in sys.modules if name.startswith(('harvester.', 'aiohttp'))])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
