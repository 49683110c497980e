"""The watcher's side: one connection to a run, by which it is asked how far it is, and paused and stopped."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from pathlib import Path

from harvester.progress.attach.address import name_socket, shorten_path
from harvester.progress.attach.messages import Action, Request, RunSnapshot, decode_snapshot, encode

PATIENCE = 5.0
"""Seconds for an answer: a run that is busy answers late."""
_LARGEST = 1 << 22


class RunClient:
    """Asks the run of a process. The connection lasts, since a pause lasts as long as it does."""

    def __init__(self, folder: Path, pid: int) -> None:
        self.pid = pid
        self._path = name_socket(folder, pid)
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._turn = asyncio.Lock()

    async def ask(self, do: Action = "look", *, place: tuple[int, int] | None = None) -> RunSnapshot | None:
        """What the run tells, after it has done what is asked; None where it does not answer."""
        async with self._turn:
            try:
                async with asyncio.timeout(PATIENCE):
                    return await self._ask(Request(do, place))
            except (OSError, TimeoutError, ValueError):
                self._hang_up()
                return None

    async def _ask(self, question: Request) -> RunSnapshot | None:
        if self._writer is None or self._reader is None:
            self._reader, self._writer = await asyncio.open_unix_connection(sock=await self._dial(), limit=_LARGEST)
        self._writer.write(encode(question))
        await self._writer.drain()
        line = await self._reader.readline()
        if not line:
            raise ConnectionResetError
        return decode_snapshot(line)

    async def _dial(self) -> socket.socket:
        dialled = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        dialled.setblocking(False)
        try:
            with shorten_path(self._path) as name:
                await asyncio.get_running_loop().sock_connect(dialled, name)
        except BaseException:
            dialled.close()
            raise
        return dialled

    def _hang_up(self) -> None:
        if self._writer is not None:
            with contextlib.suppress(OSError):
                self._writer.close()
        self._reader = self._writer = None

    def close(self) -> None:
        """Hang up. A pause that was asked for by this connection ends."""
        self._hang_up()
