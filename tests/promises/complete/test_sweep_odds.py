"""The sweep against a thousand and more random servers that tell the truth in their totals alone."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor

import pytest

from support.adversary import Outcome, run

RUNS = int(os.environ.get("HARVESTER_SWEEPS", "1000000" if os.environ.get("HARVESTER_SOAK") else "2000"))
"""Sweeps to try. `make soak` tries a million."""
_SHARE = 1_000


def run_share(first: int) -> list[tuple[int, Outcome]]:
    """The outcomes of some sweeps in which a photo was lost, or of which something is told, by seed."""
    outcomes = ((seed, run(seed)) for seed in range(first, min(first + _SHARE, RUNS)))
    return [(seed, outcome) for seed, outcome in outcomes if outcome.lost or outcome.told]


def run_all() -> Iterable[tuple[int, Outcome]]:
    firsts = range(0, RUNS, _SHARE)
    if RUNS <= 10 * _SHARE:
        return [one for first in firsts for one in run_share(first)]
    with ProcessPoolExecutor() as pool:
        return [one for some in pool.map(run_share, firsts) for one in some]


@pytest.mark.slow
def test_no_photo_is_lost_silently_while_totals_are_honest(capsys: pytest.CaptureFixture[str]) -> None:
    """Short pages, holes, rows that change places or come twice, deletions and uploads, seconds past a page."""
    odd = list(run_all())
    lost = {seed: outcome for seed, outcome in odd if outcome.lost}
    if RUNS > 10 * _SHARE:
        with capsys.disabled():
            print(f"\n{RUNS:,} sweeps: {len(odd):,} tell of a difference, {len(lost)} of a loss")  # noqa: T201
    assert not {seed: outcome for seed, outcome in lost.items() if outcome.silent}
    assert len(lost) <= RUNS // 10_000


def test_a_calm_listing_costs_hardly_more_calls_than_it_has_pages() -> None:
    outcomes = [run(seed, calm=True) for seed in range(500)]
    assert not any(outcome.lost or outcome.told for outcome in outcomes)
    assert max(outcome.calls for outcome in outcomes) <= 80
