"""How the house is built: imports go downwards only, what is pure touches nothing outside, and no room is too big."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from statistics import median

import pytest

import harvester

HOME = Path(harvester.__file__).parent
FLOORS = (
    {"about", "errors", "signals", "timers"},
    {"events", "filesystem", "flickr", "text"},
    {"jobs", "quota"},
    {"config", "listing", "progress", "sandbox"},
    {"archive", "transport"},
    {"auth", "curation", "engine", "export", "objects", "status"},
    {"shards", "verify", "web"},
    {"dask", "python"},
    {"cli", "dlt"},
)
"""The rooms, from the ground up: what stands on a floor imports only from its own room and from the floors below."""
DOORS = ({"launch"}, {"__init__", "__main__"})
"""What opens the house stands on its roof: it only imports, and no room imports it."""
OWN = ""
"""The modules that stand in a room itself, and not in one of its folders."""
STAIRS: dict[str, tuple[set[str], ...]] = {
    "archive": ({"disk"}, {"parts"}, {"checkpoint"}, {OWN}, {"merge"}, {"repair"}),
    "engine": ({OWN}, {"upkeep"}),
    "export": ({OWN, "pictures"},),
    "objects": ({OWN}, {"publish"}),
    "progress": ({OWN}, {"metrics", "notice"}, {"attach"}),
    "transport": ({OWN}, {"calls"}),
    "web": ({OWN}, {"report", "watch"}),
}
"""The folders of a room that has any, from its floor up: imports go downwards here too."""
PURE = (
    "archive.disk.record", "archive.parts.part", "dlt.bookmarks", "engine.outcome", "errors", "events",
    "export.columns", "export.convert", "export.licenses", "export.reading", "export.row", "export.schemas",
    "export.shapes", "export.table", "export.texts", "flickr", "jobs", "listing", "objects.faults",
    "objects.publish.plan", "quota.ledger", "shards.names", "shards.shard", "shards.tree",
    "transport.calls.answer", "transport.calls.arguments", "transport.calls.paging", "transport.circuit_breaker",
    "transport.retry",
)  # fmt: skip
OUTSIDE = {"aiohttp", "asyncio", "concurrent", "shutil", "socket", "sqlite3", "subprocess", "threading", "uvloop"}
LONGEST = 350
"""Lines of a module."""
MOST_LINES = 65
"""Lines of a function, from its `def` to its end."""
LONG = {
    "harvester.transport.client.call": 70,  # each photo passes it twice, and every further function would cost a call
}
"""Functions that may be longer."""
MOST_BRANCHES = 12
"""Ways through a function: one, and one more for each branch, loop, condition in a comprehension, `and` and `or`."""
BRANCHY = {
    "harvester.engine.run.run_open_job": 14,  # a run from its beginning to its end: what is opened is closed here
    "harvester.progress.lines.list_facts": 13,  # a table: each line has the one condition on which it is shown
    "harvester.verify.lines._check": 15,  # each branch is one finding, and what comes behind it needs none of them
}
"""Functions that have more; none may grow."""


def name_of(path: Path) -> str:
    parts = path.relative_to(HOME).with_suffix("").parts
    return ".".join(part for part in ("harvester", *parts) if part != "__init__")


MODULES = {name_of(path): path for path in HOME.rglob("*.py")}
FLOOR = {room: number for number, rooms in enumerate((*FLOORS, *DOORS)) for room in rooms}
STAIR = {(room, OWN): 0 for room in FLOOR if room not in STAIRS} | {
    (room, folder): number
    for room, stairs in STAIRS.items()
    for number, folders in enumerate(stairs)
    for folder in folders
}


def room_of(name: str) -> str:
    """The folder that a module stands in, or its own name where it stands in none."""
    return [*name.split("."), "__init__"][1]


def stair_of(name: str) -> str:
    """The folder that a module stands in within its room."""
    is_deep = MODULES[name].parent.parent not in {HOME, HOME.parent}
    return name.split(".")[2] if is_deep else OWN


@cache
def parse(name: str) -> ast.Module:
    return ast.parse(MODULES[name].read_text("utf-8"))


@cache
def imports_of(name: str, *, everywhere: bool = False) -> tuple[str, ...]:
    """What a module imports when it is itself imported, by whole names; `everywhere`: inside its functions too."""
    return tuple(find_imports(name, everywhere=everywhere))


def find_imports(name: str, *, everywhere: bool) -> Iterator[str]:
    package = name if MODULES[name].name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(parse(name)) if everywhere else parse(name).body:
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


def foreign_imports_of(name: str) -> set[str]:
    """The modules of other rooms that a module imports anywhere."""
    found = {each for each in imports_of(name, everywhere=True) if each in MODULES and room_of(each) != room_of(name)}
    is_door_known = name in {"harvester", "harvester.python.archive_task"}  # for type checkers and at the first use
    return found - {"harvester"} if is_door_known else found


@pytest.mark.parametrize("name", sorted(MODULES))
def test_imports_go_downwards_only(name: str) -> None:
    floor = FLOOR[room_of(name)]
    wrong = {found for found in foreign_imports_of(name) if FLOOR[room_of(found)] >= floor}
    assert not wrong, f"{name} (floor {floor}) imports {sorted(wrong)}"


@pytest.mark.parametrize("name", sorted(MODULES))
def test_imports_go_downwards_within_a_room(name: str) -> None:
    stair = STAIR[room_of(name), stair_of(name)]
    wrong = {found for found in inner_imports_of(name) if STAIR[room_of(name), stair_of(found)] >= stair}
    assert not wrong, f"{name} (stair {stair}) imports {sorted(wrong)}"


def inner_imports_of(name: str) -> set[str]:
    """The modules of the same room, but of another folder in it, that a module imports anywhere."""
    inner = {each for each in imports_of(name, everywhere=True) if each in MODULES and room_of(each) == room_of(name)}
    return {each for each in inner if stair_of(each) != stair_of(name)}


def test_no_room_stands_higher_than_it_must() -> None:
    below = dict.fromkeys(FLOOR, -1)
    for name in MODULES:
        floors = (FLOOR[room_of(found)] for found in foreign_imports_of(name))
        below[room_of(name)] = max(below[room_of(name)], *floors, -1)
    rooms = set().union(*FLOORS)
    assert {room: FLOOR[room] for room in rooms if FLOOR[room] > below[room] + 1} == {}


def test_no_folder_in_a_room_stands_higher_than_it_must() -> None:
    below = dict.fromkeys(STAIR, -1)
    for name in MODULES:
        place = room_of(name), stair_of(name)
        below[place] = max(below[place], *(STAIR[place[0], stair_of(found)] for found in inner_imports_of(name)), -1)
    assert {place: stair for place, stair in STAIR.items() if stair > below[place] + 1} == {}


def test_every_room_has_a_floor_and_every_floor_only_rooms() -> None:
    assert {room_of(name) for name in MODULES} == set(FLOOR)
    assert sum(len(rooms) for rooms in (*FLOORS, *DOORS)) == len(FLOOR)


def test_every_folder_in_a_room_has_a_stair_and_every_stair_only_folders() -> None:
    assert {(room_of(name), stair_of(name)) for name in MODULES} == set(STAIR)
    inner = [folder for stairs in STAIRS.values() for folders in stairs for folder in folders]
    assert len(inner) == sum(room in STAIRS for room, _ in STAIR)


def test_the_house_can_be_seen_at_a_glance() -> None:
    assert len(FLOORS) <= 9
    assert len([path for path in HOME.iterdir() if (path / "__init__.py").is_file()]) <= 24


def test_few_files_stand_outside_the_rooms() -> None:
    assert len(list(HOME.glob("*.py"))) <= 8


def test_modules_are_short() -> None:
    lines = {name: path.read_text("utf-8").count("\n") for name, path in MODULES.items()}
    assert {name: count for name, count in lines.items() if count > LONGEST} == {}
    assert median(lines.values()) <= 130


def own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """What stands in a function, but not in the functions and classes within it."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from own_nodes(child)


def count_ways(node: ast.AST) -> int:
    match node:
        case ast.BoolOp():
            return len(node.values) - 1
        case ast.comprehension():
            return 1 + len(node.ifs)
        case ast.If() | ast.IfExp() | ast.For() | ast.AsyncFor() | ast.While() | ast.ExceptHandler() | ast.match_case():
            return 1
    return 0


def test_functions_are_simple() -> None:
    found = {
        f"{name}.{function.name}": 1 + sum(map(count_ways, own_nodes(function)))
        for name in MODULES
        for function in ast.walk(parse(name))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: ways for name, ways in found.items() if ways > BRANCHY.get(name, MOST_BRANCHES)} == {}
    simple = {name for name in BRANCHY if found.get(name, 0) <= MOST_BRANCHES}
    assert simple == set(), "no longer branchy: take them off the list"


def test_functions_are_short() -> None:
    lines = {
        f"{name}.{function.name}": (function.end_lineno or 0) - function.lineno + 1
        for name in MODULES
        for function in ast.walk(parse(name))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: count for name, count in lines.items() if count > LONG.get(name, MOST_LINES)} == {}


def find_attributes(node: ast.ClassDef) -> set[str]:
    """The attributes that a class sets on itself."""
    return {
        each.attr
        for each in ast.walk(node)
        if isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store) and ast.unparse(each.value) == "self"
    }


def test_a_class_of_more_than_eight_attributes_says_why() -> None:
    for name, path in MODULES.items():
        lines = path.read_text("utf-8").splitlines()
        for node in ast.walk(parse(name)):
            if isinstance(node, ast.ClassDef):
                is_told = lines[node.lineno - 2].strip().startswith("# Many attributes: ")
                assert is_told == (len(find_attributes(node)) > 8), f"{path}: {node.name}: `# Many attributes: WHY`?"


@pytest.mark.parametrize("name", sorted(n for n in MODULES if n.startswith(tuple(f"harvester.{p}" for p in PURE))))
def test_what_is_pure_imports_nothing_that_reaches_outside(name: str) -> None:
    seen, waiting = set(), [name]
    while waiting:
        module = waiting.pop()
        for found in imports_of(module):
            assert found.split(".")[0] not in OUTSIDE, f"{module} imports {found}"
            if found in MODULES and found not in seen and found != "harvester":
                seen.add(found)
                waiting.append(found)


def test_the_sandbox_knows_nothing_of_the_harvesters_own_doings() -> None:
    """The sandbox imports nothing of the logic that it tests, so that one error is not made on both sides."""
    allowed = {"harvester.errors", "harvester.flickr.methods", "harvester.quota.throttle"}
    for name in MODULES:
        if name.startswith("harvester.sandbox"):
            known = {found for found in imports_of(name) if found.startswith("harvester.") and "sandbox" not in found}
            assert known <= allowed, name


@pytest.mark.parametrize(
    "name",
    [
        "archive.ids",
        "export.run",
        "archive.repair.run",
        "web.report.run",
        "status.inspect",
        "status.quota",
        "verify.archive",
    ],
)
def test_what_only_reads_archives_starts_without_a_client(name: str) -> None:
    """Importing aiohttp takes longer than all else that these commands need."""
    tell = f"import sys, harvester.{name}; print('aiohttp' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", tell], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"


def test_nothing_private_stands_unused() -> None:
    """A module's own names, each of which it speaks of again."""
    unused = []
    for name, path in MODULES.items():
        count = Counter(re.findall(r"\w+", path.read_text("utf-8")))
        unused += [f"{name}.{own}" for own in _find_own_names(name) if count[own] == 1]
    assert unused == []


def _find_own_names(name: str) -> Iterator[str]:
    for node in parse(name).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names = [node.name]
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)]
        else:
            continue
        yield from (each for each in names if each.startswith("_") and not each.startswith("__"))
