"""bench.json as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

OURS, THEIRS = "#0063dc", "#9aa5b1"


def draw(told: Mapping[str, Any], path: Path) -> None:
    """Bars of speed beside the bare loop and the peers, what peers find, and memory by size, as SVG or PNG."""
    import matplotlib as mpl  # noqa: PLC0415 - half a second that the measuring can do without

    mpl.use("agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figures = {row["what"]: row["value"] for part in told["parts"].values() for row in part}
    peers = [peer for peer in told["peers"] if not peer["why"]]
    shares = [
        (what.removesuffix(": ratio"), 100 * value) for what, value in figures.items() if what.endswith(": ratio")
    ]
    memory = [(what.split(":")[0], value) for what, value in figures.items() if "photos: memory" in what]
    picture, panels = plt.subplots(2, 2, figsize=(12, 7), layout="constrained")
    _bars(panels[0][0], "Speed beside a bare aiohttp loop, %", [("the loop", 100), *shares])
    _bars(panels[0][1], "Photos a second, one core", [(peer["name"], peer["speed"]) for peer in peers])
    _bars(panels[1][0], "Found of a search for 12,000", [(peer["name"], peer["found"]) for peer in peers])
    _bars(panels[1][1], "Memory at its peak, MB", memory)
    picture.savefig(path)


def draw_growth(sizes: Sequence[Mapping[str, Any]], path: Path) -> None:
    """What each size takes, by photos, as lines: what is flat does not grow faster than the photos."""
    import matplotlib as mpl  # noqa: PLC0415 - as above

    mpl.use("agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    photos = [size["photos"] for size in sizes]
    by_name = {
        "Time of a core, µs a photo": {name: [size["times"][name] for size in sizes] for name in sizes[0]["times"]},
        "Memory at its peak, MB": {name: [size["memory"][name] for size in sizes] for name in sizes[0]["memory"]},
        "Checkpoint, bytes a photo": {name: [size[name] for size in sizes] for name in ("stopped", "whole")},
        "Start, seconds": {name: [size[name] for size in sizes] for name in ("resumed", "status")},
    }
    picture, panels = plt.subplots(2, 2, figsize=(12, 7), layout="constrained")
    for panel, (title, lines) in zip(panels.flat, by_name.items(), strict=True):
        for name, values in lines.items():
            panel.plot(photos, values, marker="o", label=name)
        panel.set_xscale("log")
        panel.set_ylim(bottom=0)
        panel.set_xlabel("photos")
        panel.set_title(title, loc="left", fontweight="bold")
        panel.spines[["top", "right"]].set_visible(False)
        panel.legend(frameon=False)
    picture.savefig(path)


def _bars(panel: Any, title: str, rows: Sequence[tuple[str, float]]) -> None:
    names = [name for name, _ in rows][::-1]
    values = [value for _, value in rows][::-1]
    colours = [OURS if name.endswith(("harvester", "photos", "workers")) else THEIRS for name in names]
    drawn = panel.barh(names, values, color=colours)
    panel.bar_label(drawn, labels=[f"{value:,.0f}" for value in values], padding=3)
    panel.set_title(title, loc="left", fontweight="bold")
    panel.spines[["top", "right", "bottom"]].set_visible(False)
    panel.set_xticks([])
    panel.margins(x=0.15)
