"""The program as a process, against a sandbox."""

from __future__ import annotations

import asyncio
import os
import sys

from harvester.sandbox.server import Sandbox
from support.harvest import KEY


async def start(sandbox: Sandbox, *arguments: str, calls: bool = True) -> asyncio.subprocess.Process:
    """At full speed, where it makes `calls`; what it says can be read."""
    environment = {**os.environ, "FLICKR_API_KEY": KEY, "FLICKR_API_URL": sandbox.url}
    full_speed = ["--quota", "none", "--pace", "none"] if calls else []
    command = ["-m", "harvester", *arguments, *full_speed]
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(sys.executable, *command, env=environment, stdout=pipe, stderr=pipe)


async def until_calls(sandbox: Sandbox, calls: int, process: asyncio.subprocess.Process) -> None:
    while sandbox.stats.calls < calls and process.returncode is None:
        await asyncio.sleep(0.002)


async def start_quietly(url: str, *arguments: str, **more: str) -> asyncio.subprocess.Process:
    """What it says goes nowhere."""
    environment = {**os.environ, "FLICKR_API_KEY": KEY, "FLICKR_API_URL": url, **more}
    null = asyncio.subprocess.DEVNULL
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "harvester", *arguments, env=environment, stdout=null, stderr=null
    )
