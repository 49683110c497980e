"""What the environment says of the way to a server: the proxy, and the certificates to trust.

The variables are those of curl and requests.
"""

from __future__ import annotations

import os
import re
import ssl
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from urllib.request import getproxies_environment

from yarl import URL

from harvester.errors import UsageError, show

BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
"""Variables that name a file of certificates. The first that is set counts."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy, and the header `Proxy-Authorization` that it asks for. Its text has no login in it."""

    url: URL
    auth: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"proxy {self.url}"


def find_proxy(address: str) -> Proxy | None:
    """The proxy that calls to an address go through; None where they go direct. UsageError for one of no use."""
    found = getproxies_environment()
    url = URL(address)
    scheme = url.scheme if found.get(url.scheme) else "all"
    if not found.get(scheme) or is_exempt(url, found.get("no", "")):
        return None
    return read_proxy(found[scheme], variable=f"{scheme.upper()}_PROXY")


def is_exempt(url: URL, names: str) -> bool:
    """Whether NO_PROXY names the host: by name, by a domain above it, by address or network, or by `*`."""
    entries = [entry for entry in re.split(r"[,\s]+", names) if entry]
    host = (url.host or "").rstrip(".")
    try:
        address = ip_address(host)
    except ValueError:
        pass
    else:
        if any(address in network for network in _find_networks(entries)):
            return True
    domains = [entry.lower().removeprefix("*").strip(".") for entry in entries]
    hosts = (f".{host}", f".{host}:{url.port}")
    return "*" in entries or any(name.endswith(f".{domain}") for domain in domains for name in hosts)


def _find_networks(entries: list[str]) -> Iterator[IPv4Network | IPv6Network]:
    for entry in entries:
        try:
            yield ip_network(entry.strip("[]"), strict=False)
        except ValueError:
            continue


def read_proxy(text: str, *, variable: str) -> Proxy:
    """The proxy that a variable names; without a scheme it is one of HTTP."""
    text = text.strip()
    try:
        url = URL(text if "://" in text else f"http://{text}")
        origin = url.origin()
    except ValueError:
        origin = URL()
    if origin.scheme not in ("http", "https"):
        raise UsageError(
            f"{variable} names no proxy that can be used: write http://HOST:PORT, or http://NAME:PASSWORD@HOST:PORT "
            "with signs other than letters and digits percent-encoded; SOCKS proxies do not work."
        )
    has_login = url.user is not None or url.password is not None
    login = b64encode(f"{url.user or ''}:{url.password or ''}".encode()).decode()
    return Proxy(origin, f"Basic {login}" if has_login else None)


def find_trust(environ: Mapping[str, str] = os.environ) -> ssl.SSLContext | bool:
    """The certificates to trust, where the environment names some; True where the system's count.

    SSL_CERT_FILE is OpenSSL's own, beside SSL_CERT_DIR; the others stand in place of the system's.
    """
    variable = next((name for name in BUNDLES if environ.get(name)), None)
    if variable is None:
        return True
    path = Path(environ[variable])
    try:
        context = _load(path, beside_system=variable == "SSL_CERT_FILE")
    except ssl.SSLError:
        problem = "holds no certificates that can be read"
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
    else:
        context.set_alpn_protocols(["http/1.1"])
        return context
    raise UsageError(f"{variable} names {show(str(path))}, which {problem}: name a file in PEM format, or unset it.")


def _load(path: Path, *, beside_system: bool) -> ssl.SSLContext:
    file, folder = (None, path) if path.is_dir() else (path, None)
    if not beside_system:
        return ssl.create_default_context(cafile=file, capath=folder)
    context = ssl.create_default_context()
    context.load_verify_locations(cafile=file, capath=folder)
    return context
