"""Harvest recorded answers of the real Flickr through the command line, and compare each line with them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

KEY = "0" * 32
SEARCHES = (
    ({"text": "a"}, ["--text", "a", "--min-upload-date", "2000-01-01"]),
    ({"media": "photos"}, ["--media", "photos"]),
    ({"license": "7"}, ["--license", "no-known-copyright"]),
    ({"max_upload_date": "1300000000"}, ["--max-upload-date", "1300000000", "--sort", "date-posted-asc"]),
)


class Replay:
    """The replay server's answers."""

    def __init__(self, port: str) -> None:
        self.base = f"http://127.0.0.1:{port}"

    def get(self, path: str) -> object:
        """The JSON at a path."""
        with urlopen(self.base + path) as answer:  # noqa: S310 - loopback
            return json.load(answer)

    def call(self, method: str, photo_id: str) -> dict[str, object]:
        """A method's answer about a photo."""
        query = {"method": method, "photo_id": photo_id, "api_key": KEY, "format": "json", "nojsoncallback": "1"}
        answer = self.get(f"/services/rest/?{urlencode(query)}")
        assert isinstance(answer, dict)  # noqa: S101
        return answer


def harvest(replay: Replay, folder: Path, *arguments: str, given: str | None = None) -> list[dict[str, object]]:
    """The lines of a harvest by the command line."""
    environment = {**os.environ, "FLICKR_API_KEY": KEY, "FLICKR_API_URL": f"{replay.base}/services/rest/"}
    environment["HARVESTER_STATE_DIR"] = str(folder.parent / "state")
    command = [sys.executable, "-m", "harvester", *arguments, "-o", str(folder), "--quota", "none", "--pace", "none"]
    subprocess.run(command, env=environment, check=True, input=given, text=True)  # noqa: S603
    return [json.loads(line) for line in (folder / "photos.ndjson").read_bytes().splitlines()]


def compare(replay: Replay, lines: list[dict[str, object]], wanted: list[str]) -> None:
    """Each photo once, and each as the server sends it."""
    ids = [str(line["id"]) for line in lines]
    if sorted(ids) != sorted(wanted):
        sys.exit(f"FAILED: {len(ids)} lines where {len(wanted)} photos match")
    for line, photo_id in zip(lines, ids, strict=True):
        if line["info"] != replay.call("flickr.photos.getInfo", photo_id)["photo"]:
            sys.exit(f"FAILED: info of {photo_id} differs")
        if line["sizes"] != replay.call("flickr.photos.getSizes", photo_id)["sizes"]:
            sys.exit(f"FAILED: sizes of {photo_id} differ")
    print(f"{len(ids)} photos as sent")


def main() -> None:
    """Several searches, then every photo by its id."""
    server = subprocess.Popen(  # noqa: S603
        [sys.executable, sys.argv[1], "--port", "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout  # noqa: S101
        replay = Replay(server.stdout.readline().split()[1])
        with tempfile.TemporaryDirectory() as folder:
            for n, (query, arguments) in enumerate(SEARCHES):
                wanted = replay.get(f"/__truth?{urlencode(query)}")
                compare(replay, harvest(replay, Path(folder) / str(n), "search", *arguments), wanted)  # type: ignore[arg-type]
            everything = list(replay.get("/__photos"))  # type: ignore[call-overload]
            lines = harvest(replay, Path(folder) / "all", "photos", "-", given="\n".join(everything))
            compare(replay, lines, everything)
    finally:
        server.terminate()
        server.wait()


main()
