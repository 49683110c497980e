"""From a source's fields to plain JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import date, datetime
from typing import Any


def list_given(source: Any) -> dict[str, Any]:
    """The fields of a source that hold something, as JSON holds them."""
    plain = {f.name: _plain(getattr(source, f.name)) for f in fields(source)}
    return {name: value for name, value in plain.items() if value not in (None, (), [], {}, "")}


def _plain(value: Any) -> Any:
    """A field's value as JSON holds it."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value if isinstance(value, str | Mapping) or not isinstance(value, Iterable) else list(value)
