"""Boxes of geographic searches: read as people write them, and cut where the 180th meridian crosses them. Pure."""

from __future__ import annotations

from harvester.errors import UsageError, show
from harvester.jobs.values import read_texts

_EDGE = 180.0


def read_bbox(value: object) -> str | None:
    """A box as Flickr takes it: west, south, east, north in degrees, with commas; None for none.

    A box with its west edge east of its east edge crosses the 180th meridian. So does one with a longitude past 180
    degrees, as GeoJSON has it; such longitudes are turned into those between -180 and 180.
    """
    if value is None:
        return None
    texts = read_texts(value, field="bbox")
    try:
        west, south, east, north = (float(t) for t in texts)
    except ValueError:
        raise _refuse(texts) from None
    if -_EDGE <= west <= _EDGE and -_EDGE <= east <= _EDGE and -90 <= south <= north <= 90:
        return ",".join(texts)
    if not (-2 * _EDGE <= west <= east <= 2 * _EDGE and east - west <= 2 * _EDGE and -90 <= south <= north <= 90):
        raise _refuse(texts)
    if east - west == 2 * _EDGE:
        return f"-180,{texts[1]},180,{texts[3]}"
    return f"{_turn(west)},{texts[1]},{_turn(east)},{texts[3]}"


def split_box(box: str) -> tuple[str, ...]:
    """The boxes to be asked for: two where the 180th meridian crosses the box, since Flickr takes none such."""
    west, south, east, north = box.split(",")
    if float(west) <= float(east):
        return (box,)
    return f"{west},{south},180,{north}", f"-180,{south},{east},{north}"


def tell_crossing(box: str | None) -> tuple[str, ...]:
    """A sentence where a box crosses the 180th meridian: two edges in the wrong order look the same."""
    if box is None or len(split_box(box)) == 1:
        return ()
    west, _, east, _ = box.split(",")
    wide = float(east) - float(west) + 2 * _EDGE
    told = f"The box goes east from {west} to {east} across the 180th meridian, {wide:g} degrees wide: it is searched"
    return (f"{told} in two parts; if that is not meant, write the west edge first.",)


def _turn(degrees: float) -> str:
    if degrees > _EDGE:
        degrees -= 2 * _EDGE
    if degrees < -_EDGE:
        degrees += 2 * _EDGE
    return f"{degrees:.10g}"


def _refuse(texts: tuple[str, ...]) -> UsageError:
    return UsageError(
        f"{show(','.join(texts))} is not a box; write WEST,SOUTH,EAST,NORTH in degrees, as -0.6,51.2,0.4,51.8; one "
        "across the 180th meridian has its west edge first too, as 177,-20,-178,-15.",
        field="bbox",
    )
