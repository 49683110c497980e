"""The environment's proxies and certificates, with proxies on loopback that write down what they are asked."""

from __future__ import annotations

import asyncio
import os
import shutil
import ssl
import subprocess
import sys
from asyncio.subprocess import DEVNULL, PIPE
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import NamedTuple, cast

import aiohttp
import pytest
from yarl import URL

from harvester.cli.demo import build_harvest, build_sandbox
from harvester.engine.run import Output, run_job
from harvester.errors import Exit, UsageError
from harvester.sandbox.server import Sandbox
from harvester.sandbox.thread import serve_sandbox
from harvester.transport.connections import Connections
from harvester.transport.proxies import BUNDLES, find_proxy, find_trust, is_exempt, read_proxy
from support.harvest import KEY

FAR = "api.flickr.invalid"  # a name that only a proxy resolves: RFC 6761
OK = b"HTTP/1.1 200 OK\r\n"


class Result(NamedTuple):
    exit_code: int
    stdout: str
    stderr: str


class Proxy:
    """Lets all through to one port of this machine, or gives each request one answer."""

    def __init__(self, port: int, answer: bytes | None) -> None:
        self.heads: list[str] = []
        self.url = ""
        self._port = port
        self._answer = answer

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            head = await reader.readuntil(b"\r\n\r\n")
            self.heads.append(head.decode())
            if self._answer is not None:
                writer.write(self._answer)
                return
            there, back = await asyncio.open_connection("127.0.0.1", self._port)
            with closing(back):
                if head.startswith(b"CONNECT"):
                    writer.write(OK + b"\r\n")
                else:
                    back.write(head.replace(f"http://{FAR}".encode(), b"", 1))
                await asyncio.gather(pump(reader, back), pump(there, writer))


async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(65536):
        target.write(data.replace(f" http://{FAR}".encode(), b" "))
    target.close()


@asynccontextmanager
async def proxying(port: int = 0, *, answer: bytes | None = None) -> AsyncIterator[Proxy]:
    proxy = Proxy(port, answer)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()


async def call(*arguments: str, **environment: str) -> Result:
    """A command, in a process of its own: the servers run in this one."""
    env = {**os.environ, "FLICKR_API_KEY": KEY, "FLICKR_API_SECRET": "s", **environment}
    command = (sys.executable, "-m", "harvester", *arguments)
    run = await asyncio.create_subprocess_exec(*command, env=env, stdout=PIPE, stderr=PIPE, stdin=DEVNULL)
    stdout, stderr = await run.communicate()
    return Result(cast("int", run.returncode), stdout.decode(), stderr.decode())


@pytest.mark.slow
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "all_proxy"])
async def test_calls_over_http_go_through_the_proxy_in_absolute_form(variable: str, sandbox: Sandbox) -> None:
    async with proxying(sandbox.port) as proxy:
        url = f"http://{FAR}/services/rest/"
        result = await call("search", "--tags", "monkey", "--limit", "3", "--api-url", url, **{variable: proxy.url})
    assert (result.exit_code, len(result.stdout.splitlines())) == (Exit.COMPLETE, 3)
    assert proxy.heads[0].startswith(f"GET http://{FAR}/services/rest/?")
    assert f"\r\nHost: {FAR}\r\n" in proxy.heads[0]
    assert "Proxy-Authorization" not in proxy.heads[0]


@pytest.mark.slow
async def test_the_login_of_a_proxy_is_sent_to_it_and_shown_to_nobody() -> None:
    refusal = b"HTTP/1.1 407 no\r\nContent-Length: 0\r\n\r\n"
    async with proxying(answer=refusal) as proxy:
        login = proxy.url.replace("//", "//me:p%40ss@")
        for url in (f"http://{FAR}/", f"https://{FAR}/"):
            result = await call("photos", "1", "--api-url", url, HTTP_PROXY=login, HTTPS_PROXY=login)
            assert result.exit_code == Exit.INCOMPLETE
            assert f"the proxy {proxy.url} refuses the name and password (407)" in result.stderr
            assert "p%40ss" not in result.stdout + result.stderr
            assert "p@ss" not in result.stdout + result.stderr
    sent = f"\r\nProxy-Authorization: Basic {b64encode(b'me:p@ss').decode()}\r\n"
    assert all(sent in head for head in proxy.heads)
    assert {head.split()[0] for head in proxy.heads} == {"GET", "CONNECT"}


@pytest.mark.slow
@pytest.mark.parametrize("status", [407, 502])
async def test_a_proxy_that_opens_no_tunnel_is_told_as_such(status: int) -> None:
    async with proxying(answer=f"HTTP/1.1 {status} no\r\nContent-Length: 0\r\n\r\n".encode()) as proxy:
        result = await call("photos", "1", "--api-url", f"https://{FAR}/rest/", https_proxy=proxy.url)
    assert proxy.heads[0].startswith(f"CONNECT {FAR}:443 HTTP/1.1\r\n")
    assert result.exit_code == Exit.INCOMPLETE
    assert f"the proxy {proxy.url} " in result.stderr
    assert f"({status}). Check the proxy (HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY)" in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_nobody_answers_at_is_told_as_such(scheme: str) -> None:
    async with proxying() as proxy:
        pass
    result = await call("photos", "1", "--api-url", f"{scheme}://{FAR}/", ALL_PROXY=proxy.url)
    assert result.exit_code == Exit.INCOMPLETE
    assert f"the proxy {proxy.url} cannot be reached (Connection refused)" in result.stderr


@pytest.mark.slow
async def test_a_proxy_that_hangs_up_is_told_as_such() -> None:
    async with proxying(answer=b"") as proxy:
        result = await call("photos", "1", "--api-url", f"https://{FAR}/", ALL_PROXY=proxy.url)
    assert result.exit_code == Exit.INCOMPLETE
    assert f"the proxy {proxy.url} broke the connection off" in result.stderr


async def test_logging_in_goes_through_the_proxy() -> None:
    async with proxying(answer=b"HTTP/1.1 407 no\r\nContent-Length: 0\r\n\r\n") as proxy:
        result = await call("auth", "login", "--no-browser", "--api-url", f"http://{FAR}/", HTTP_PROXY=proxy.url)
    assert proxy.heads[0].startswith(f"GET http://{FAR}/")
    assert f"the proxy {proxy.url} asks for a name and password (407)" in result.stderr


async def test_the_demo_goes_past_the_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with proxying(answer=b"") as proxy:
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        with serve_sandbox(build_sandbox(photos=20)) as url:
            summary = await run_job(*build_harvest(url), output=Output(folder=tmp_path / "demo"))
    assert (summary.status, proxy.heads) == ("complete", [])


@pytest.mark.parametrize(
    ("names", "url", "exempt"),
    [
        ("", "http://a.example/", False),
        ("*", "http://a.example/", True),
        ("b.example, a.example", "http://a.example/", True),
        ("b.example a.example", "http://A.example./", True),
        (".example", "http://a.example/", True),
        ("*.example", "http://a.example/", True),
        ("example", "http://a.example/", True),
        ("xample", "http://a.example/", False),
        ("a.example:80", "http://a.example/", True),
        ("a.example:81", "http://a.example/", False),
        ("10.0.0.0/8", "http://10.1.2.3/", True),
        ("10.0.0.0/8", "http://11.1.2.3/", False),
        ("127.0.0.1", "http://127.0.0.1:8765/", True),
        ("127.0.0.1:8765", "http://127.0.0.1:8765/", True),
        ("::1", "http://[::1]:8765/", True),
        ("[::1]", "http://[::1]:8765/", True),
        ("fd00::/8", "http://[fd12::1]/", True),
    ],
)
def test_no_proxy_names_hosts_domains_and_networks(names: str, url: str, exempt: bool) -> None:
    assert is_exempt(URL(url), names) is exempt


def test_each_scheme_has_its_own_proxy_and_no_proxy_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://secure:1")
    monkeypatch.setenv("ALL_PROXY", "others:2")
    monkeypatch.setenv("no_proxy", "b.example")
    found = [str(find_proxy(f"{address}.example/")) for address in ("https://a", "http://a", "https://b")]
    assert found == ["proxy http://secure:1", "proxy http://others:2", "None"]


@pytest.mark.parametrize("text", ["socks5://me:secret@host:1080", "http://me:se#cret@host:1", "http://", "ftp://host"])
def test_a_proxy_of_no_use_is_told_without_its_login(text: str) -> None:
    with pytest.raises(
        UsageError, match=r"^HTTPS_PROXY names no proxy that can be used: write http://HOST:PORT"
    ) as error:
        read_proxy(text, variable="HTTPS_PROXY")
    assert "host:1" not in str(error.value)


@pytest.mark.parametrize("variable", BUNDLES)
def test_certificates_that_cannot_be_read_are_told(variable: str, tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.touch()
    for path, problem in ((tmp_path / "none", "cannot be read (No such"), (empty, "holds no certificates")):
        with pytest.raises(UsageError) as error:
            find_trust({variable: str(path)})
        assert str(error.value).startswith(f"{variable} names '{path}', which {problem}")


async def test_a_bundle_that_is_not_there_ends_a_run_before_any_call(tmp_path: Path) -> None:
    result = await call("photos", "1", "--api-url", f"https://{FAR}/", REQUESTS_CA_BUNDLE=str(tmp_path / "none"))
    assert result.exit_code == Exit.USAGE
    assert "Error: REQUESTS_CA_BUNDLE names '" in result.stderr


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
@pytest.mark.parametrize("variable", BUNDLES)
async def test_a_tunnel_ends_at_a_server_whose_certificate_is_in_the_bundle(variable: str, tmp_path: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            for _ in range(2):
                asked.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(OK + b"Content-Length: 4\r\n\r\nbody")

    asked: list[bytes] = []
    made = (
        "-keyout",
        "key",
        "-out",
        "cert",
        "-days",
        "1",
        "-subj",
        f"/CN={FAR}",
        "-addext",
        f"subjectAltName=DNS:{FAR}",
    )
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *made]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)  # noqa: ASYNC221 - nothing else runs
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    trust = find_trust({variable: str(tmp_path / "cert")})
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with (
        server,
        proxying(server.sockets[0].getsockname()[1]) as proxy,
        aiohttp.TCPConnector(ssl=trust) as connector,
    ):
        way = read_proxy(proxy.url.replace("//", "//me:secret@"), variable="HTTPS_PROXY")
        connections = Connections(f"https://{FAR}/rest/?", connector, proxy=way)
        assert [await connections.read(await connections.get(query)) for query in "qr"] == [b"body", b"body"]
    assert [head.split(b" HTTP/1.1\r\n")[0] for head in asked] == [b"GET /rest/?q", b"GET /rest/?r"]
    assert len(proxy.heads) == 1
    assert b"Proxy-Authorization" not in asked[0]
    assert "Proxy-Authorization: Basic" in proxy.heads[0]
