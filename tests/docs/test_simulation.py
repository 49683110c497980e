"""What the guide says of 100 million photos is what `make simulate` prints."""

from __future__ import annotations

from itertools import pairwise

import pytest

from harvester.shards.shard import build_stretch
from support.project import ROOT
from support.simulate import END, Catalogue, count_calls, cut, report, run

GUIDE = (ROOT / "docs" / "pages" / "guide" / "machines.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_guide_has_what_is_simulated() -> None:
    lines = [line for line in report(100_000_000, keys=[1, 100, 1000], takers=1000) if line]
    assert [line for line in lines if line not in GUIDE] == []


def test_no_photo_is_lost_by_cutting() -> None:
    catalogue = Catalogue(1_000_000)
    assert sum(cut(catalogue).leaves) == catalogue.count(build_stretch(0, END - 1)) == 1_000_000


def test_a_lost_machine_costs_what_it_had_not_published() -> None:
    found = cut(Catalogue(200_000))
    calm = run(found, takers=20, keys=20, parts=2, lost_after=1e12)
    assert (calm.lost, calm.again, calm.attempts) == (0, 0, len(found.leaves))
    assert calm.calls == sum(count_calls(count, parts=2) for count in found.leaves)
    courses = [calm, *(run(found, takers=20, keys=20, parts=2, lost_after=after) for after in (86_400, 3_600))]
    for better, worse in pairwise(courses):
        assert better.lost < worse.lost
        assert better.again < worse.again
    assert all(course.calls - course.again <= calm.calls for course in courses)
