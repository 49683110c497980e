"""What `harvester` exports, and that the export costs a command line nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import get_args

import harvester
from harvester import errors, events
from harvester.jobs import model


def test_all_sources_errors_and_events_are_exported() -> None:
    kinds = {kind.__name__ for kind in (*get_args(model.Source), *get_args(events.Event), events.Summary)}
    kinds |= {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}
    assert kinds <= set(harvester.__all__)


def test_each_exported_name_is_there() -> None:
    assert [name for name in harvester.__all__ if getattr(harvester, name) is None] == []


def test_a_type_checker_knows_each_name_from_where_it_is() -> None:
    """What a checker does not find it takes for Any, by way of `__getattr__`, and says nothing."""
    tree = ast.parse(Path(harvester.__file__).read_text("utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    known = {alias.name: str(node.module) for node in imports for alias in node.names}
    assert sorted(known) == harvester.__all__
    for name, home in known.items():
        assert getattr(sys.modules[home], name) is getattr(harvester, name), name


def test_importing_the_package_imports_nothing_more() -> None:
    code = "import sys, harvester; print([name for name in sys.modules if name.startswith(('harvester.', 'aiohttp'))])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['harvester.about']"
