"""The numbers at an address, to be scraped: /metrics, and /healthz for containers."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from harvester.errors import UsageError, show
from harvester.progress.metrics.exposition import CONTENT_TYPE, write_metrics
from harvester.progress.metrics.record import Record

LOOPBACK = "127.0.0.1"
_ADDRESS = re.compile(r"(?:(?P<host>[^:\[\]/\s]+|\[(?P<v6>[0-9A-Fa-f:.%]+)\])?:)?(?P<port>\d{1,5})", re.ASCII)
_SLOWEST = 10.0
"""Seconds for a request: one that says nothing holds no thread for longer."""


def read_address(text: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT`, `:PORT` or `PORT`; without a host, this machine alone. UsageError otherwise."""
    match = _ADDRESS.fullmatch(text.strip())
    if match is None or not int(match["port"]) <= 65535:
        raise UsageError(f"{show(text)} is no address: write HOST:PORT, as 127.0.0.1:9400.", field="metrics")
    return match["v6"] or match["host"] or LOOPBACK, int(match["port"])


@contextmanager
def serve_metrics(record: Record, host: str, port: int) -> Iterator[int]:
    """Serve the numbers until the end; gives the port, which is a free one where 0 is asked for."""
    try:
        server = _open_server(record, host, port)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot listen at {host}, port {port}: {why}. Name another.", field="metrics") from None
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()


def _open_server(record: Record, host: str, port: int) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        timeout = _SLOWEST
        server_version = "harvester"
        sys_version = ""

        def do_GET(self) -> None:
            status, body = answer(record, self.path)
            self.send_response(status)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Log nothing: standard error belongs to the run."""

    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]

    class Server(ThreadingHTTPServer):
        address_family = family
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Who asked has gone."""

    return Server((host, port), Handler)


def answer(record: Record, path: str) -> tuple[HTTPStatus, bytes]:
    """What is answered to a request."""
    match path.partition("?")[0]:
        case "/metrics":
            return HTTPStatus.OK, write_metrics(record.read())
        case "/healthz":
            return (HTTPStatus.OK, b"ok\n") if record.is_alive else (HTTPStatus.SERVICE_UNAVAILABLE, b"hung\n")
        case _:
            return HTTPStatus.NOT_FOUND, b"There are /metrics and /healthz.\n"
