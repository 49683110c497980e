"""A search that Flickr answers only in parts: one sweep for each part, all in one harvest. Pure.

A box that the 180th meridian crosses is searched as two boxes. The part of a sweep stands in its `narrow`, as do the
filters that cut a full second; all sweeps that follow from it keep the part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from harvester.jobs.box import split_box
from harvester.listing.stretch import BOX
from harvester.listing.sweep import Step, Sweep


def split_sweep(sweep: Sweep, arguments: Mapping[str, str]) -> tuple[Sweep, ...]:
    """The sweeps that list a search of these arguments."""
    boxes = split_box(arguments[BOX]) if BOX in arguments else ()
    return tuple(replace(sweep, narrow=((BOX, box),)) for box in boxes) if len(boxes) > 1 else (sweep,)


def find_part(sweep: Sweep) -> str | None:
    """Which part of the search a sweep lists; None where the search has no parts."""
    return dict(sweep.narrow).get(BOX)


def keep_part(sweep: Sweep, step: Step) -> Step:
    """What follows from an answer to a sweep, within its part of the search."""
    part = find_part(sweep)
    if part is None:
        return step
    rest = (replace(s, narrow=((BOX, part), *s.narrow)) if find_part(s) is None else s for s in step.sweeps)
    return replace(step, sweeps=tuple(rest))
