"""The run's side: answers at its socket, for this user alone. A run that can have no socket goes without."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from harvester.progress.attach.address import name_socket, open_socket, remove_stale
from harvester.progress.attach.messages import LONGEST, Request, RunSnapshot, decode_request, encode
from harvester.progress.attach.monitor import RunMonitor

_CREDENTIALS = struct.Struct("3i")


@asynccontextmanager
async def serve_control(monitor: RunMonitor, folder: Path | None) -> AsyncIterator[Path | None]:
    """Have the run answer at a socket in `folder` until the end. Gives the socket; None where there is none."""
    path = None if folder is None or not hasattr(socket, "AF_UNIX") else name_socket(folder, os.getpid())
    ear = None
    if path is not None:
        with contextlib.suppress(OSError):
            remove_stale(path.parent)
            ear = open_socket(path)
    if path is None or ear is None:
        yield None
        return
    control = _ControlServer(monitor)
    server = await asyncio.start_unix_server(control.serve, sock=ear, limit=LONGEST)
    try:
        yield path
    finally:
        with contextlib.suppress(OSError):
            path.unlink()
        server.close()
        await control.close()


class _ControlServer:
    """Answers callers, one question a line, as long as they stay."""

    def __init__(self, monitor: RunMonitor) -> None:
        self._monitor = monitor
        self._clients: dict[asyncio.StreamWriter, asyncio.Task[object] | None] = {}
        self._is_stopping = False
        self._pausing: set[asyncio.StreamWriter] = set()
        """Those who have asked for a pause: it lasts no longer than one of them stays."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one client until it goes."""
        self._clients[writer] = asyncio.current_task()
        try:
            if _is_own_user(writer.get_extra_info("socket")):
                with contextlib.suppress(OSError, ValueError):  # it has gone, or its question is no line
                    while (line := await reader.readline()).endswith(b"\n"):
                        writer.write(encode(self._answer(decode_request(line), writer)))
                        await writer.drain()
        finally:
            del self._clients[writer]
            self._leave(writer)
            writer.close()

    async def close(self) -> None:
        """Send all clients away. Their tasks end by themselves: asyncio complains of those that are cancelled."""
        tasks = [task for task in self._clients.values() if task is not None]
        for writer in list(self._clients):
            writer.transport.abort()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _answer(self, request: Request | None, writer: asyncio.StreamWriter) -> RunSnapshot:
        if request is None:
            return self._monitor.look(trouble="The question was not understood: is one of the two an older version?")
        if request.place is not None and request.place != self._monitor.place:
            return self._monitor.look(trouble="The run is at work elsewhere by now.")
        match request.do:
            case "pause":
                self._pausing.add(writer)
                self._monitor.pause(is_paused=True)
            case "go_on":
                self._pausing.clear()
                self._monitor.pause(is_paused=False)
            case "stop":
                self._pausing.clear()
                self._monitor.pause(is_paused=False)
                self._stop()
        return self._monitor.look()

    def _stop(self) -> None:
        """End the run as a signal does, once: the second one would end it at once."""
        if not self._is_stopping:
            self._is_stopping = True
            signal.raise_signal(signal.SIGTERM)

    def _leave(self, writer: asyncio.StreamWriter) -> None:
        if writer in self._pausing:
            self._pausing.discard(writer)
            if not self._pausing:
                self._monitor.pause(is_paused=False)


def _is_own_user(peer: socket.socket | None) -> bool:
    """Whether the client is this user, or root, where the system tells; the socket's mode lets in nobody else."""
    if peer is None or not hasattr(socket, "SO_PEERCRED"):
        return True
    _, user, _ = _CREDENTIALS.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return user in (0, os.getuid())
