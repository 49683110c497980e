"""The page on many machines: its commands run against a sandbox, its recipes are what their schedulers take."""

from __future__ import annotations

import ast
import asyncio
import re
import shlex
from pathlib import Path

import orjson
import pytest
import yaml  # type: ignore[import-untyped]
from click import Group

from harvester.cli.shard import shard
from harvester.sandbox.server import Sandbox
from support.archives import read_lines
from support.harvest import Opener
from support.project import ROOT
from support.scripts import blocks, make_scripts, run_all

PAGE = (ROOT / "docs" / "pages" / "guide" / "machines.md").read_text(encoding="utf-8")


def check_command(words: list[str]) -> None:
    """Whether it is a command of harvester's with its options."""
    command: object = shard
    assert words[:2] == ["harvester", "shard"]
    while isinstance(command, Group):
        words = words[1:]
        command = command.commands[words[1]] if len(words) > 1 else None
    assert command is not None
    known = {option for param in command.params for option in (*param.opts, *param.secondary_opts)}  # type: ignore[attr-defined]
    assert {word for word in words if word.startswith("--")} <= known


@pytest.mark.slow
async def test_the_commands_run_in_their_order(sandbox_of: Opener, tmp_path: Path) -> None:
    async with sandbox_of(photos=200) as sandbox:
        await run_all(make_scripts(PAGE), sandbox, tmp_path)
        await check_archive(tmp_path / "monkeys", sandbox)


async def check_archive(folder: Path, sandbox: Sandbox) -> None:
    ids = orjson.loads(sandbox.api.truth({"tags": "monkey,chimp"}))
    assert sorted(line["id"] for line in read_lines(folder / "photos.ndjson")) == sorted(ids)


def line(start: str) -> str:
    """The one line of the page's blocks for bash that begins so."""
    found = [each for block in blocks("bash", PAGE) for each in block.splitlines() if each.startswith(start)]
    assert len(found) == 1
    return found[0]


@pytest.mark.slow
async def test_four_takers_and_what_is_left_by_xargs(sandbox_of: Opener, tmp_path: Path) -> None:
    first = re.findall(r"`(seq 4 [^`]*)`", PAGE)[0].replace("shard run $STORE", "shard run $STORE --lease 1s")
    last = next(each for block in blocks("bash", PAGE) for each in block.splitlines() if "| xargs" in each)
    plan = "harvester shard plan search --tags monkey,chimp --store monkeys-store --shard-photos 20"
    merge = "harvester shard merge $STORE -o monkeys"
    begin = f"set -euo pipefail\nexport STORE=monkeys-store\n{plan}\n{first}"
    lose = "rm $(ls -d $STORE/commits/* | tail -n 1)\nset +o pipefail"  # what is left has exit code 3
    again = last.replace("shard run $STORE", "shard run $STORE --lease 1s")
    async with sandbox_of(photos=200) as sandbox:
        await run_all([f"{begin}\n{lose}\nsleep 2\n{again}\n{merge}"], sandbox, tmp_path)
        await check_archive(tmp_path / "monkeys", sandbox)


async def test_slurm_runs_it_as_a_script(tmp_path: Path) -> None:
    script = next(block for block in blocks("bash", PAGE) if "#SBATCH" in block)
    (tmp_path / "job.sh").write_text(script)
    process = await asyncio.create_subprocess_exec("bash", "-n", str(tmp_path / "job.sh"))
    assert await process.wait() == 0
    command = next(each for each in script.splitlines() if each.startswith("harvester"))
    check_command(shlex.split(command.rstrip("&")))


def test_kubernetes_takes_the_job() -> None:
    (text,) = blocks("yaml", PAGE)
    job = yaml.safe_load(text)
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "Job")
    assert job["spec"]["completionMode"] == "Indexed"
    assert job["spec"]["template"]["spec"]["restartPolicy"] == "Never", "else backoffLimitPerIndex is refused"
    (container,) = job["spec"]["template"]["spec"]["containers"]
    check_command(["harvester", *container["args"]])


def test_the_tasks_of_airflow_call_commands_that_are_there() -> None:
    (text,) = blocks("py", PAGE)
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.List) and len(node.elts) > 3]
    assert len(calls) == 2
    for call in calls:
        check_command([each.value if isinstance(each, ast.Constant) else "x" for each in call.elts])  # type: ignore[misc]


def test_it_shows_each_command() -> None:
    assert {f"shard {name}" for name in shard.commands} <= set(re.findall(r"`(shard [a-z-]+)", PAGE))
