"""The recipes of the documentation: each is run, against a sandbox where it harvests."""

from __future__ import annotations

import asyncio
import configparser
import os
import pty
import re
import runpy
import shlex
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import duckdb
import orjson
import pyarrow.json
import pytest
import sqlite_utils

from harvester.cli import main
from harvester.errors import Exit
from harvester.jobs.model import Job, Search
from harvester.sandbox.server import Sandbox
from support.archives import read_lines
from support.harvest import KEY, Opener, harvest_into
from support.project import BIN, README, ROOT
from support.scripts import make_scripts, needs_jq, run_all

PAGE = (ROOT / "docs" / "pages" / "guide" / "recipes.md").read_text(encoding="utf-8")
RECIPES = ROOT / "docs" / "recipes"
INSTALLED = "/opt/harvester/bin"
ALL = Job(source=Search(min_upload_date="2004-01-01"), detail="list")
AGAIN = {Exit.INCOMPLETE, Exit.INTERRUPTED, Exit.TERMINATED}


def block(part: str) -> str:
    """The one block of the page that has a text in it."""
    found = [text for text in re.findall(r"^```\w+\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL) if part in text]
    assert len(found) == 1
    return str(found[0])


def line(part: str) -> str:
    """The one line of the page's blocks that has a text in it."""
    found = [each for each in block(part).splitlines() if part in each]
    assert len(found) == 1
    return found[0]


async def run(*command: str, **given: Any) -> tuple[int | None, str]:
    """Run a program beside the sandbox: its exit code, and all that it said."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=asyncio.subprocess.STDOUT, **given)
    said, _ = await process.communicate()
    return process.returncode, said.decode()


def test_each_file_is_shown() -> None:
    assert set(re.findall(r"<!-- file: (\S+) -->", PAGE)) == {path.name for path in RECIPES.iterdir() if path.is_file()}


@pytest.mark.slow
@needs_jq
async def test_streams_tables_and_addresses(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=600) as sandbox:
        await run_all(make_scripts(PAGE), sandbox, tmp_path)
    ids = {photo["id"] for photo in read_lines(tmp_path / "monkeys" / "photos.ndjson")}
    with duckdb.connect(str(tmp_path / "monkeys.duckdb")) as db:
        assert db.execute("select count(*), count(distinct id) from photos").fetchone() == (20, 20)
    assert {row["id"] for row in sqlite_utils.Database(tmp_path / "monkeys.db")["photos"].rows} == ids
    rows = [row.split("\t") for row in (tmp_path / "monkeys.tsv").read_text("utf-8").splitlines()]
    assert {row[0] for row in rows} == ids
    assert {len(row) for row in rows} == {3}
    pictures = pyarrow.json.read_json(tmp_path / "pictures.jsonl")  # as img2dataset 1.47 does
    assert set(pictures.column_names) == {"url", "caption", "id", "license"}
    assert set(pictures["id"].to_pylist()) <= ids


@pytest.mark.slow
@pytest.mark.parametrize("tool", ["duckdb", "sqlite-utils"])
async def test_a_member_that_only_late_lines_have_stops_no_database(
    tool: str, sandbox: Sandbox, failing: Callable[..., Any], tmp_path: Path
) -> None:
    asked: dict[str, int] = {}

    def late(query: dict[str, str]) -> bool:
        hit = query["method"] == "flickr.photos.getSizes"
        return hit and asked.setdefault(query["photo_id"], len(asked)) >= 200

    stream = line(f"| {'python' if tool == 'duckdb' else tool}").replace("--tags monkey,chimp --limit 20", "")
    script = f"set -o pipefail\n{stream.replace('search', 'search --min-upload-date 2004')}"
    with failing(sandbox, late, b'{"stat":"fail","code":2,"message":"Permission denied"}'):
        await run_all([script], sandbox, tmp_path)
    query = "select count(*), count(errors) from photos"
    if tool == "duckdb":
        with duckdb.connect(str(tmp_path / "monkeys.duckdb")) as db:
            assert db.execute(query).fetchone() == (300, 100)
    else:
        assert next(iter(sqlite_utils.Database(tmp_path / "monkeys.db").execute(query))) == (300, 100)


@pytest.fixture
async def monkeys(sandbox: Sandbox, tmp_path: Path) -> Path:
    """A complete archive."""
    await harvest_into(tmp_path / "monkeys", sandbox, ALL)
    return tmp_path / "monkeys"


async def test_kafka_gets_each_line_under_its_id(monkeys: Path) -> None:
    keyed = line("| kcat").partition(" | kcat")[0]
    code, said = await run("bash", "-c", keyed, cwd=monkeys.parent)
    assert code == 0
    pairs = [row.partition("\t") for row in said.splitlines()]
    assert [value for _, _, value in pairs] == (monkeys / "photos.ndjson").read_text("utf-8").splitlines()
    assert all(orjson.loads(value)["id"] == key for key, _, value in pairs)


@pytest.mark.skipif(shutil.which("kcat") is None, reason="kcat is missing")
async def test_kcat_takes_them(monkeys: Path) -> None:
    dry = line("| kcat").replace("kcat", "kcat -X test.mock.num.brokers=1")
    code, said = await run("bash", "-c", f"set -o pipefail; {dry}", cwd=monkeys.parent)
    assert code == 0, said


def read_unit(name: str) -> configparser.ConfigParser:
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign] # keys of units have capitals
    unit.read_string((RECIPES / name).read_text(encoding="utf-8"))
    return unit


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is missing")
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    units = ("harvester.service", "harvester.timer")
    for name in units:
        (tmp_path / name).write_text((RECIPES / name).read_text("utf-8").replace(INSTALLED, str(BIN)))
    command = ["systemd-analyze", "verify", *(str(tmp_path / name) for name in units)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
async def test_the_service_harvests_first_and_updates_from_then_on(sandbox: Sandbox, tmp_path: Path) -> None:
    service = read_unit("harvester.service")["Service"]
    config = tmp_path / "harvester.toml"
    config.write_text(f'{block("[jobs.monkeys]")}\n[limits]\npace = "none"\n')
    command = service["ExecStart"].replace(INSTALLED, str(BIN)).replace("/etc/harvester/harvester.toml", str(config))
    folder = Path(service["WorkingDirectory"].replace("%S", str(tmp_path)))
    folder.mkdir()
    name, _, value = service["Environment"].replace("%S", str(tmp_path)).partition("=")
    environment = {name: value, "FLICKR_API_KEY": KEY, "FLICKR_API_URL": sandbox.url, "PATH": "/usr/bin:/bin"}
    for word in ("Harvesting", "Updating"):
        code, said = await run(*shlex.split(command), cwd=folder, env=environment)
        assert code == 0, said
        assert f"{word} " in said
    assert read_lines(folder / "monkeys" / "photos.ndjson")
    assert list(Path(value).iterdir())


def test_systemd_runs_again_what_another_run_completes() -> None:
    service = read_unit("harvester.service")["Service"]
    assert (service["Restart"], service["SuccessExitStatus"]) == ("on-failure", str(Exit.TERMINATED.value))
    assert set(map(int, service["RestartPreventExitStatus"].split())) == set(Exit) - AGAIN - {Exit.COMPLETE}


@pytest.mark.slow
async def test_cron_updates_and_is_silent_where_all_is_well(monkeys: Path, sandbox: Sandbox) -> None:
    setting, job = block("17 3 * * *").splitlines()
    times, command = re.fullmatch(r"((?:\S+ ){5})(.+)", job).groups()  # type: ignore[union-attr]
    assert re.fullmatch(r"(\d+|\*)( (\d+|\*)){4} ", times)
    assert "%" not in command  # for cron that is a line break
    given = command.replace(INSTALLED, str(BIN)).replace("/srv/flickr", str(monkeys.parent))
    (monkeys.parent / "home").mkdir()
    environment = {"HOME": str(monkeys.parent / "home"), "PATH": "/usr/bin:/bin", "FLICKR_API_URL": sandbox.url}
    environment |= dict([setting.split("=")])
    assert await run("/bin/sh", "-c", given, cwd="/", env=environment) == (0, "")
    assert "Complete: 300 photos" in (monkeys.parent / "update.log").read_text("utf-8")
    environment["FLICKR_API_KEY"] = "no key"
    code, said = await run("/bin/sh", "-c", given, cwd="/", env=environment)
    assert code != 0
    assert said.startswith("Error: ")


def read_dockerfile() -> list[tuple[str, str]]:
    rows = (RECIPES / "Dockerfile").read_text(encoding="utf-8").splitlines()
    return [(word, rest) for word, _, rest in (row.partition(" ") for row in rows if row and row[0] != "#")]


def is_open_to_all(path: Path) -> bool:
    return all(place.stat().st_mode & stat.S_IXOTH for place in (path, *path.parents))


@pytest.fixture
def container() -> Iterator[Path]:
    """A folder that every user may enter, which is not so of pytest's own."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_the_image_is_slim_and_its_user_is_nobody() -> None:
    steps = read_dockerfile()
    final = steps[max(i for i, (word, _) in enumerate(steps) if word == "FROM") :]
    assert final[0][1] == "python:3.11-slim"
    told = dict(final)
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", told["USER"])
    assert dict(pair.split("=") for pair in told["ENV"].split())["HARVESTER_STATE_DIR"] in orjson.loads(told["VOLUME"])
    assert told["WORKDIR"] in orjson.loads(told["VOLUME"])


@pytest.mark.slow
async def test_what_the_image_copies_is_installed_and_runs_as_any_user(sandbox: Sandbox, container: Path) -> None:
    """Its last step of the build, its folders, its environment and its entrypoint; the locked packages are here."""
    steps = read_dockerfile()
    for *sources, target in (rest.split() for word, rest in steps if word == "COPY" and not rest.startswith("--")):
        for source in sources:
            place = container / "src" / target / ("" if target.strip("./") else source)
            copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
            place.parent.mkdir(parents=True, exist_ok=True)
            copy(ROOT / source, place)
    runs = [rest for word, rest in steps if word == "RUN"]
    install = next(rest for rest in runs if rest.endswith("--no-deps ."))
    here = f"{sys.executable} -m pip install --no-index --no-build-isolation --target {container / 'site'}"
    code, said = await run(*shlex.split(install.replace(f"{INSTALLED}/pip install", here)), cwd=container / "src")
    assert code == 0, said
    folders = next(rest for rest in runs if rest.startswith("mkdir"))
    assert await run(*shlex.split(re.sub(r"(?=/\w)", str(container), folders))) == (0, "")
    told = dict(steps)
    state = dict(pair.split("=") for pair in told["ENV"].split())["HARVESTER_STATE_DIR"]
    environment = {"HARVESTER_STATE_DIR": f"{container}{state}", "PYTHONPATH": str(container / "site")}
    environment |= {"FLICKR_API_KEY": KEY, "FLICKR_API_URL": sandbox.url}
    as_other = os.geteuid() == 0 and is_open_to_all(BIN) and is_open_to_all(Path(sys.executable).resolve())
    user = {"user": 54_321, "group": 54_321, "extra_groups": []} if as_other else {}
    (entry,) = orjson.loads(told["ENTRYPOINT"])
    words = shlex.split(line("docker run"))
    arguments = words[words.index(entry) + 1 :]
    command = (str(container / "site" / "bin" / entry), *arguments, "--limit", "5", "--pace", "none")
    code, said = await run(*command, cwd=f"{container}{told['WORKDIR']}", env=environment, **user)
    assert code == 0, said
    archive = container / "data" / "monkeys"
    assert len(read_lines(archive / "photos.ndjson")) == 5
    assert archive.stat().st_uid == user.get("user", os.geteuid())
    assert list((container / "state").iterdir())


@pytest.fixture
def ending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Exit], None]:
    """`ending(code)`: a harvester in PATH that ends with a code."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    def write(code: Exit) -> None:
        (tmp_path / "harvester").write_text(f"#!/bin/sh\nexit {code.value}\n")
        (tmp_path / "harvester").chmod(0o755)

    return write


def decide(code: Exit) -> str:
    return "load" if code == Exit.COMPLETE else "again later" if code in AGAIN else "tell somebody"


def test_the_table_of_codes_is_whole() -> None:
    rows = re.findall(r"^\| ([\d, ]+) \| ", PAGE, re.MULTILINE)
    assert [set(map(int, row.split(", "))) for row in rows] == [{0}, AGAIN, set(Exit) - AGAIN - {Exit.COMPLETE}]


@pytest.mark.parametrize("code", list(Exit))
async def test_a_shell_decides_by_the_code(code: Exit, ending: Callable[[Exit], None]) -> None:
    ending(code)
    assert await run("bash", "-c", block("case $?")) == (0, f"{decide(code)}\n")


def pretend(monkeypatch: pytest.MonkeyPatch, name: str, **members: object) -> None:
    module = ModuleType(name)
    vars(module).update(members)
    monkeypatch.setitem(sys.modules, name, module)


def keep_options(**options: Any) -> Callable[[Any], Any]:
    """A decorator such as `task`: the function, with its options beside it."""
    return lambda function: SimpleNamespace(call=function, **options)


@pytest.mark.parametrize("code", list(Exit))
def test_airflow_decides_by_the_code(
    code: Exit, ending: Callable[[Exit], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    again = type("AirflowException", (Exception,), {})
    stop = type("AirflowFailException", (again,), {})
    pretend(monkeypatch, "airflow")
    pretend(monkeypatch, "airflow.exceptions", AirflowException=again, AirflowFailException=stop)
    pretend(monkeypatch, "airflow.sdk", task=keep_options)
    task = runpy.run_path(str(RECIPES / "airflow_task.py"))["update"]
    assert (task.retries, task.retry_delay) == (8, timedelta(minutes=15))
    ending(code)
    raised: type[Exception] | None = None
    try:
        task.call("monkeys")
    except Exception as error:  # noqa: BLE001 - as Airflow does
        raised = type(error)
    assert raised is {"load": None, "again later": again, "tell somebody": stop}[decide(code)]


@pytest.mark.parametrize("code", list(Exit))
def test_prefect_decides_by_the_code(
    code: Exit, ending: Callable[[Exit], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch, "prefect", task=keep_options)
    task = runpy.run_path(str(RECIPES / "prefect_task.py"))["update"]
    ending(code)
    state = SimpleNamespace(result=lambda: task.call("monkeys"))
    assert task.retry_condition_fn(None, None, state) is (decide(code) == "again later")
    if decide(code) == "tell somebody":
        with pytest.raises(subprocess.CalledProcessError):
            state.result()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_of_the_shell(shell: str, tmp_path: Path) -> None:
    path = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    printing = re.search(rf"harvester completion {shell}", line(f"completion {shell}"))
    assert printing
    script = subprocess.run(["bash", "-c", printing[0]], env=path, capture_output=True, text=True, check=True)
    assert (script.stderr, "_harvester_completion" in script.stdout) == ("", True)
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is missing: what it would read was printed")
    (tmp_path / "script").write_text(script.stdout)
    subprocess.run([shell, "-n", str(tmp_path / "script")], check=True)


def read_until(terminal: int, end: bytes) -> bytes:
    said = b""
    while end not in said:
        said += os.read(terminal, 4_096)
    return said


@pytest.mark.slow
@pytest.mark.usefixtures("time_limit")
def test_the_tab_key_completes_a_command_in_bash() -> None:
    ours, theirs = pty.openpty()
    environment = {"PATH": f"{BIN}:/usr/bin:/bin", "PS1": "ready> ", "TERM": "dumb", "HISTFILE": ""}
    command = ["bash", "--norc", "--noprofile", "-i"]
    with subprocess.Popen(  # a session of its own, or bash would want the terminal of this one
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
    ) as shell:
        os.close(theirs)
        read_until(ours, b"ready> ")
        os.write(ours, f"{line('completion bash')}\n".encode())
        read_until(ours, b"\nready> ")
        os.write(ours, b"harvester sea\t--he\t\n")
        said = read_until(ours, b"\nready> ")
        os.write(ours, b"exit\n")
        assert shell.wait(60) == 0
    os.close(ours)
    assert b"harvester search --help" in said
    assert b"Usage: harvester search" in said


def test_help_and_readme_name_them() -> None:
    assert "harvester completion bash" in str(main.epilog)
    assert "harvester completion bash" in README
    assert "docs/pages/guide/recipes.md" in README
