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

from harvester.flickr.listings import LISTINGS, Itself, Listing, Opens
from harvester.flickr.methods import PARTS

KEY = "0" * 32
SEARCHES = (
    ({"text": "a"}, ["--text", "a", "--min-upload-date", "2000-01-01"]),
    ({"media": "photos"}, ["--media", "photos"]),
    ({"license": "7"}, ["--license", "no-known-copyright"]),
    ({"max_upload_date": "1300000000"}, ["--max-upload-date", "1300000000", "--sort", "date-posted-asc"]),
)
EXTRAS = ("exif", "comments", "contexts", "people", "favorites")
ACCOUNTS = {"41650587@N02": ("--skip", "photos"), "67131352@N04": ()}
CONTAINERS = {
    ("album", "72157636216289703"): ("members", {"photoset_id": "72157636216289703"}),
    ("favorites", "41650587@N02"): ("favorites", {"user_id": "41650587@N02"}),
}
LISTS = {"people": "person", "photosets": "photosets", "groups": "groups", "favorites": "favorites"}
"""Files of an account, and the lists whose rows stand in them: those that are recorded for these accounts."""


class Replay:
    """The replay server's answers."""

    def __init__(self, port: str) -> None:
        self.base = f"http://127.0.0.1:{port}"

    def get(self, path: str) -> object:
        """The JSON at a path."""
        with urlopen(self.base + path) as answer:  # noqa: S310 - loopback
            return json.load(answer)

    def call(self, method: str, **about: str) -> dict[str, object]:
        """A method's answer about a photo, a user or a set."""
        query = {"method": method, **about, "api_key": KEY, "format": "json", "nojsoncallback": "1"}
        answer = self.get(f"/services/rest/?{urlencode(query)}")
        assert isinstance(answer, dict)  # noqa: S101
        return answer


def harvest(replay: Replay, folder: Path, *arguments: str, given: str | None = None) -> list[dict[str, object]]:
    """The lines of a harvest by the command line."""
    environment = {**os.environ, "FLICKR_API_KEY": KEY, "FLICKR_API_URL": f"{replay.base}/services/rest/"}
    environment["HARVESTER_STATE_DIR"] = str(folder.parent / "state")
    command = [sys.executable, "-m", "harvester", *arguments, "-o", str(folder), "--quota", "none", "--pace", "none"]
    subprocess.run(command, env=environment, check=True, input=given, text=True)  # noqa: S603
    return read_lines(folder / "photos.ndjson")


def read_lines(path: Path) -> list[dict[str, object]]:
    """The lines of one of an archive's files."""
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def compare(replay: Replay, lines: list[dict[str, object]], wanted: list[str]) -> None:
    """Each photo once, and each as the server sends it."""
    ids = [str(line["id"]) for line in lines]
    if sorted(ids) != sorted(wanted):
        sys.exit(f"FAILED: {len(ids)} lines where {len(wanted)} photos match")
    for line, photo_id in zip(lines, ids, strict=True):
        if line["info"] != replay.call("flickr.photos.getInfo", photo_id=photo_id)["photo"]:
            sys.exit(f"FAILED: info of {photo_id} differs")
        if line["sizes"] != replay.call("flickr.photos.getSizes", photo_id=photo_id)["sizes"]:
            sys.exit(f"FAILED: sizes of {photo_id} differ")
    print(f"{len(ids)} photos as sent")


def compare_extras(replay: Replay, lines: list[dict[str, object]]) -> None:
    """Each further part of each photo as the server sends it, or with the reason why it is not there."""
    taken = refused = 0
    for line in lines:
        for name in EXTRAS:
            part = PARTS[name]
            answer = replay.call(part.method, photo_id=str(line["id"]), **({"per_page": "50"} if part.listed else {}))
            if answer.pop("stat") == "ok":
                wanted, taken = answer[part.member] if part.member else answer, taken + 1
            else:
                wanted, refused = None, refused + 1
                answer.pop("stat", None)
                if line["errors"][name] != answer:  # type: ignore[index]
                    sys.exit(f"FAILED: why {name} of {line['id']} is missing: {line['errors']} for {answer}")
            if line[name] != wanted:
                sys.exit(f"FAILED: {name} of {line['id']} differs")
    print(f"{taken} further parts as sent, {refused} refused with the reason")


def recorded_photos(shared: Path) -> set[str]:
    """Photos of which a further part is recorded, whether or not they are."""
    methods = {PARTS[name].method for name in EXTRAS}
    rows = map(json.loads, (shared / "flickr-recordings" / "index.ndjson").read_text("utf-8").splitlines())
    ids = {str((row["params"] or {}).get("photo_id", "")) for row in rows if row["method"] in methods}
    return {photo_id for photo_id in ids if photo_id.isdigit() and len(photo_id) < 19}


def find_rows(shape: Listing, answer: dict[str, object]) -> list[object]:
    """The rows of an answer, which may be one."""
    container: dict[str, list[object]] = answer[shape.container]  # type: ignore[assignment]
    return [container] if isinstance(shape.rows, Itself) else container[shape.rows.name]


def compare_rows(replay: Replay, lines: list[dict[str, object]], name: str, about: dict[str, str]) -> None:
    """The photos of a set or of somebody's favourites as the server lists them."""
    shape = LISTINGS[name]
    if [line["search"] for line in lines] != find_rows(shape, replay.call(shape.method, **about)):
        sys.exit(f"FAILED: the rows of {about} differ")
    print(f"{len(lines)} rows of {about} as sent")


def compare_members(replay: Replay, lines: list[dict[str, object]], shape: Listing) -> None:
    """The photos of each set as the server lists them."""
    for line in lines:
        rows = find_rows(shape, replay.call(shape.method, photoset_id=str(line["id"])))
        if line["photo_ids"] != [row["id"] for row in rows]:  # type: ignore[index]
            sys.exit(f"FAILED: the members of the set {line['id']} differ")


def compare_account(replay: Replay, folder: Path, nsid: str) -> None:
    """The lists of an account as the server sends them; those that are not recorded are told in the manifest."""
    told = {refusal["list"] for refusal in json.loads((folder / "manifest.json").read_bytes()).get("refusals", [])}
    for file, name in LISTS.items():
        shape = LISTINGS[name]
        answer = replay.call(shape.method, user_id=nsid)
        if (answer["stat"] == "fail") != (name in told):
            sys.exit(f"FAILED: {name} of {nsid} is refused: {answer}; told are {told}")
        if answer["stat"] == "fail":
            continue
        lines = read_lines(folder / f"{file}.ndjson")
        assert shape.line  # noqa: S101
        if [line[shape.line.member] for line in lines] != find_rows(shape, answer):
            sys.exit(f"FAILED: {file} of {nsid} differ")
        if isinstance(shape.becomes, Opens):
            compare_members(replay, lines, LISTINGS[shape.becomes.listing])
        print(f"{len(lines)} {file} of {nsid} as sent")


def main() -> None:
    """Several searches, every photo by its id with all there is about it, accounts, an album, a gallery."""
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
            more = ("--with", ",".join(EXTRAS))
            lines = harvest(replay, Path(folder) / "all", "photos", "-", *more, given="\n".join(everything))
            compare(replay, lines, everything)
            compare_extras(replay, lines)
            others = sorted(recorded_photos(Path(sys.argv[1]).parents[1]) - set(everything))
            lines = harvest(replay, Path(folder) / "others", "photos", *others, "--detail", "info", *more)
            compare_extras(replay, lines)
            for nsid, skipped in ACCOUNTS.items():
                harvest(replay, Path(folder) / nsid, "account", nsid, "--detail", "list", *skipped)
                compare_account(replay, Path(folder) / nsid, nsid)
            for arguments, (name, about) in CONTAINERS.items():
                lines = harvest(replay, Path(folder) / name, *arguments, "--detail", "list")
                compare_rows(replay, lines, name, about)
    finally:
        server.terminate()
        server.wait()


main()
