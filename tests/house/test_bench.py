"""The bench's own arithmetic: what it calls growing too fast."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

BENCH = Path(__file__).parents[1] / "bench"


@pytest.fixture
def scale(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of `make bench-scale`."""
    monkeypatch.syspath_prepend(str(BENCH))
    return importlib.import_module("scale")


def grow(scale: Any, photos: int, **other: Any) -> Any:
    """What a size takes that grows as the photos do, but for what is given."""
    usual = {"times": {"harvest": 100.0}, "memory": {"harvest": 70.0}, "stopped": 80.0, "whole": 39.0}
    return scale.Growth(photos=photos, **{**usual, "resumed": 0.3, "status": 0.2, **other})


def test_what_is_even_or_falls_does_not_grow_too_fast(scale: Any) -> None:
    small = grow(scale, 10_000, times={"harvest": 900.0}, whole=200.0)
    sizes = [small, grow(scale, 100_000), grow(scale, 1_000_000, times={"harvest": 150.0}, memory={"harvest": 90.0})]
    assert list(scale.judge(sizes)) == []
    assert list(scale.judge([small])) == []


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("harvest: 151.0", {"times": {"harvest": 151.0}}),
        ("harvest: 91 MB", {"memory": {"harvest": 91.0}}),
        ("checkpoint: 40.1", {"whole": 40.1}),
        ("resume: 0.8", {"resumed": 0.8}),
        ("status: 0.7", {"status": 0.7}),
    ],
)
def test_what_grows_too_fast_is_named(scale: Any, name: str, other: dict[str, Any]) -> None:
    sizes = [grow(scale, 10_000, times={"harvest": 10.0}), grow(scale, 100_000), grow(scale, 1_000_000, **other)]
    (fault,) = scale.judge(sizes)
    assert fault.startswith(name)
