"""Answers of a sandbox, replaced."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from harvester.sandbox.server import Sandbox

BUSY = b'{"stat":"fail","code":105,"message":"Service currently unavailable"}'
Patch = Callable[[str, Callable[[dict[str, Any], dict[str, str]], dict[str, Any] | None]], None]


def build_patch(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Patch:
    honest = sandbox.api.answer

    def apply(method: str, change: Callable[[dict[str, Any], dict[str, str]], dict[str, Any] | None]) -> None:
        earlier = sandbox.api.answer

        def answer(query: dict[str, str]) -> bytes:
            body = (honest if earlier is honest else earlier)(query)
            if query.get("method") != f"flickr.{method}":
                return body
            return orjson.dumps(change(json.loads(body), query) or {"stat": "fail", "code": 1, "message": "gone"})

        monkeypatch.setattr(sandbox.api, "answer", answer)

    return apply
