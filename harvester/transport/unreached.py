"""Sentences for failed connections to the server, or to the proxy before it."""

from __future__ import annotations

import os
from http import HTTPStatus

import aiohttp

from harvester.transport.proxies import Proxy


class ProxyFailed(aiohttp.ClientError):
    """A proxy cannot be reached, or lets no call through. Nothing has arrived at the server."""


def tell_failure(error: ProxyFailed | aiohttp.ClientConnectorError) -> str:
    """Why no call could be sent."""
    return str(error) if isinstance(error, ProxyFailed) else f"no connection ({tell_reason(error)})"


def tell_reason(error: aiohttp.ClientConnectorError) -> str:
    """`Connection refused`, `Name or service not known`; without aiohttp's wrapping."""
    if isinstance(error, aiohttp.ClientSSLError):
        return "its certificate is not to be trusted, or it speaks no TLS"
    number = error.os_error.errno
    if isinstance(error, aiohttp.ClientConnectorDNSError) or number is None or number < 0:
        return error.os_error.strerror or type(error.os_error).__name__
    return os.strerror(number)


def tell_refusal(proxy: Proxy, status: int) -> str:
    """What a proxy's own answer means."""
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        what = "refuses the name and password" if proxy.auth else "asks for a name and password"
        return f"the {proxy} {what} ({status})"
    return f"the {proxy} refuses the connection ({status})"


def blame_proxy(error: aiohttp.ClientError | OSError, proxy: Proxy) -> aiohttp.ClientError | OSError:
    """What a failure to connect means where a proxy is between; the error itself where it is the server's."""
    if isinstance(error, aiohttp.ClientSSLError):
        return error
    if isinstance(error, aiohttp.ClientConnectorError):
        return ProxyFailed(f"the {proxy} cannot be reached ({tell_reason(error)})")
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return ProxyFailed(tell_refusal(proxy, error.status))
    if isinstance(error, TimeoutError):
        return ProxyFailed(f"the {proxy} does not answer")
    return ProxyFailed(f"the {proxy} broke the connection off")
