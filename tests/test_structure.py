"""How the house is built: imports go one way, what is pure touches nothing outside."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import harvester

HOME = Path(harvester.__file__).parent
PURE = (
    "answers", "errors", "flickr", "geo", "ledger", "model", "parts", "query.arguments", "query.base58", "query.box",
    "query.dates", "query.pages", "query.remembered", "query.sameness", "query.web_search", "record", "retry",
    "seeds", "sweep", "urls", "values", "walk",
)  # fmt: skip
OUTSIDE = {"aiohttp", "asyncio", "concurrent", "shutil", "socket", "sqlite3", "subprocess", "threading", "uvloop"}


def name_of(path: Path) -> str:
    parts = path.relative_to(HOME).with_suffix("").parts
    return ".".join(part for part in ("harvester", *parts) if part != "__init__")


MODULES = {name_of(path): path for path in HOME.rglob("*.py")}


def imports_of(name: str) -> Iterator[str]:
    """What a module imports when it is itself imported, by whole names."""
    path = MODULES[name]
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            whole = ".".join([*above, *filter(None, [node.module])])
            inner = [f"{whole}.{alias.name}" for alias in node.names]
            yield from (one if one in MODULES else whole for one in inner)


def test_no_module_imports_itself_by_way_of_others() -> None:
    graph = {name: {i for i in imports_of(name) if i in MODULES and i != name} for name in MODULES}
    for name in list(graph):
        if name != "harvester":  # the package's door: everything is imported through it, and it imports the API
            graph[name].discard("harvester")
    assert len(list(TopologicalSorter(graph).static_order())) >= len(MODULES) - 1


@pytest.mark.parametrize("name", PURE)
def test_what_is_pure_imports_nothing_that_reaches_outside(name: str) -> None:
    seen, waiting = set(), [f"harvester.{name}"]
    while waiting:
        module = waiting.pop()
        for found in imports_of(module):
            assert found.split(".")[0] not in OUTSIDE, f"{module} imports {found}"
            if found in MODULES and found not in seen and found != "harvester":
                seen.add(found)
                waiting.append(found)


def test_the_sandbox_knows_nothing_of_the_harvesters_own_doings() -> None:
    """So that what it says about the harvester is said by somebody else."""
    allowed = {"harvester.errors", "harvester.flickr.methods", "harvester.quota.throttle"}
    for name in MODULES:
        if name.startswith("harvester.sandbox"):
            known = {found for found in imports_of(name) if found.startswith("harvester.") and "sandbox" not in found}
            assert known <= allowed, name
