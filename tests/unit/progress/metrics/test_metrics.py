"""Metrics of runs: the format as Prometheus' own parser reads it, the numbers as the sandbox knows them."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from harvester.errors import Exit, TryLater, UsageError
from harvester.events import Ended, Paused, Resumed, Retrying, Started, Summary, Tally, Waiting
from harvester.progress.gauge import Gauge, Limits
from harvester.progress.metrics.exposition import write_metrics
from harvester.progress.metrics.names import METRICS
from harvester.progress.metrics.record import Record
from harvester.progress.metrics.server import read_address, serve_metrics
from harvester.progress.metrics.textfile import Textfile
from harvester.quota.rate import Rate
from harvester.sandbox.catalogue import CatalogueOptions
from harvester.sandbox.faults import Faults
from harvester.sandbox.server import SandboxOptions
from harvester.sandbox.thread import serve_sandbox
from support.commands import call
from support.harvest import KEY
from support.project import ROOT

ALL = ("search", "--min-upload-date", "2004-01-01", "--pace", "none")
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def parse(text: str) -> Samples:
    """The samples by name and labels."""
    found = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    samples = {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in found}
    assert len(samples) == len(found)
    return samples


def values_of(record: Record) -> dict[str, float]:
    """The samples that have no labels, and the others by name and the values of their labels."""
    samples = parse(write_metrics(record.read()).decode())
    return {" ".join([name, *(value for _, value in labels)]): value for (name, labels), value in samples.items()}


class Hand:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture
def record(clock: Hand) -> Record:
    return Record(quota=Rate.parse("3600/h"), clock=clock, wall=clock)


def begin(record: Record, tally: Tally) -> None:
    record.tell(Started(job={"source": "search", "detail": "full"}, output=None, resumed=0, tally=tally))


def look(record: Record, tally: Tally) -> None:
    record.show(Gauge(tally, job={"source": "search"}, limits=Limits(), wall=lambda: 0.0).read())


def end(record: Record) -> None:
    summary = Summary(
        status="complete",
        photos=0,
        new=0,
        calls=0,
        retries=0,
        refused=0,
        failed=0,
        seconds=1.0,
        expected=None,
        output=None,
    )
    record.tell(Ended(summary=summary))


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """A sandbox of 60 photos."""
    with serve_sandbox(SandboxOptions(catalogue=CatalogueOptions(photos=60, owners=2))) as url:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("FLICKR_API_KEY", KEY)
        monkeypatch.setenv("FLICKR_API_URL", url)
        yield url


def test_a_file_has_all_metrics_after_a_run(address: str, tmp_path: Path) -> None:
    result = call(*ALL, "-o", "out", "--metrics-file", "harvest.prom")
    assert result.exit_code == 0, result.output
    path = tmp_path / "harvest.prom"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    text = path.read_text("utf-8")
    assert "# EOF" not in text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert len(families) == len(METRICS)
    samples = parse(text)
    calls = {labels: value for (name, labels), value in samples.items() if name == "harvester_api_calls_total"}
    assert calls[("method", "flickr.photos.getInfo"), ("outcome", "ok")] == 60
    assert calls[("method", "flickr.photos.getSizes"), ("outcome", "ok")] == 60
    assert samples["harvester_api_call_duration_seconds_count", ()] == sum(calls.values()) == 121
    assert samples["harvester_photos_written_total", ()] == 60
    assert samples["harvester_quota_calls_limit", ()] == 3600
    assert samples["harvester_last_commit_timestamp_seconds", ()] > 1_700_000_000
    (info,) = (labels for name, labels in samples if name == "harvester_run_info")
    assert dict(info)["source"] == "search"
    assert KEY not in text
    assert address not in text
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["harvest.prom", "out"]


def test_the_runs_of_a_series_add_up(address: str, tmp_path: Path) -> None:
    assert address
    (tmp_path / "jobs.toml").write_text(
        "".join(
            f'[jobs.{name}]\nsource = "search"\nmin_upload_date = 2004\ndetail = "list"\noutput = "{name}"\n'
            for name in ("one", "two")
        )
    )
    result = call("run", "--config", "jobs.toml", "--metrics-file", "harvest.prom")
    assert result.exit_code == 0, result.output
    assert parse((tmp_path / "harvest.prom").read_text("utf-8"))["harvester_photos_written_total", ()] == 120


def test_failed_calls_and_their_kinds_are_told(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert address
    options = SandboxOptions(catalogue=CatalogueOptions(photos=60, owners=2), faults=Faults(any=0.1))
    with serve_sandbox(options) as url:
        monkeypatch.setenv("FLICKR_API_URL", url)
        assert call(*ALL, "--detail", "info", "-o", "out", "--metrics-file", "harvest.prom").exit_code == 0
    samples = parse((tmp_path / "harvest.prom").read_text("utf-8"))
    failed = sum(value for (_, labels), value in samples.items() if ("outcome", "failed") in labels)
    retried = sum(value for (name, _), value in samples.items() if name == "harvester_retries_total")
    assert failed == retried > 0


def test_a_file_that_cannot_be_written_is_told_once_and_harms_nothing(record: Record, tmp_path: Path) -> None:
    told: list[str] = []
    textfile = Textfile(record, tmp_path / "away" / "x.prom", warn=told.append)
    tally = Tally()
    begin(record, tally)
    look(record, tally)
    assert record.snapshot
    textfile.show(record.snapshot)
    textfile.close()
    assert told == [
        f"Cannot write the metrics to {tmp_path / 'away' / 'x.prom'}: No such file or directory. The harvest goes on."
    ]


def test_wrong_places_are_told_before_a_call(address: str) -> None:
    assert address
    result = call(*ALL, "-o", "out", "--metrics-file", "away/harvest.prom")
    assert result.exit_code == Exit.USAGE
    assert "--metrics-file: away/harvest.prom is no file in a folder that is there." in result.stderr
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = call(*ALL, "-o", "out", "--metrics", f":{taken.getsockname()[1]}")
    assert result.exit_code == Exit.USAGE
    assert "--metrics: cannot listen at 127.0.0.1, port" in result.stderr


def test_without_the_extra_a_sentence_names_it(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert address
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    result = call(*ALL, "-o", "out", "--metrics", ":0")
    assert result.exit_code == Exit.USAGE
    assert 'pip install "flickr-harvester[metrics]"' in result.stderr
    assert call(*ALL, "--detail", "list", "-o", "out").exit_code == 0


def test_what_is_served_is_what_is_counted(record: Record, clock: Hand) -> None:
    tally = Tally(clock=clock)
    begin(record, tally)
    with serve_metrics(record, "127.0.0.1", 0) as port:
        tally.written += 7
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as reply:
            assert reply.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
            assert parse(reply.read().decode())["harvester_photos_written_total", ()] == 7
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz") as reply:
            assert reply.read() == b"ok\n"
        for path, seconds, status in (("else", 0, 404), ("healthz", 61, 503)):
            clock.now += seconds
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}")
            assert caught.value.code == status
            caught.value.close()


def test_a_command_serves_until_its_end(address: str) -> None:
    assert address
    result = call(*ALL, "--detail", "list", "-o", "out", "--metrics", ":0")
    assert result.exit_code == 0, result.output
    assert "Metrics are at http://127.0.0.1:" in result.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("address")
def test_a_run_is_scraped_while_it_goes_on(time_limit: None) -> None:
    assert time_limit is None
    command = [sys.executable, "-m", "harvester", *ALL[:3], "--pace", "5/s", "-o", "out", "--metrics", ":0"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8", env=environment) as process:
        assert process.stderr is not None
        place = process.stderr.readline().split()[-1].rstrip(".")
        values: Samples = {}
        while not values.get(("harvester_photos_written_total", ())):
            with urllib.request.urlopen(place) as reply:  # noqa: S310 - as the run has told
                values = parse(reply.read().decode())
        process.terminate()
        assert process.wait() == Exit.TERMINATED
    assert 0 < values["harvester_photos_written_total", ()] < 60
    assert values["harvester_quota_calls_limit", ()] == 3600


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (":9400", ("127.0.0.1", 9400)),
        ("9400", ("127.0.0.1", 9400)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),  # noqa: S104
        ("[::1]:9400", ("::1", 9400)),
        ("box.lan:9400", ("box.lan", 9400)),
    ],
)
def test_an_address_without_a_host_is_this_machines(text: str, place: tuple[str, int]) -> None:
    assert read_address(text) == place


@pytest.mark.parametrize("text", ["", "box", "box:", ":70000", "::1:9400", "http://box:1", "box:٣"])
def test_other_addresses_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no address: write HOST:PORT"):
        read_address(text)


def test_waits_are_told_by_their_reason_while_they_last(record: Record, clock: Hand) -> None:
    begin(record, Tally(clock=clock))
    record.tell(Waiting(why="the quota of 3600/h is spent", seconds=600, reason="quota"))
    clock.now += 60
    assert values_of(record)["harvester_wait_seconds_total quota"] == 60
    clock.now += 10_000
    assert values_of(record)["harvester_wait_seconds_total quota"] == 600
    record.tell(Waiting(why="Flickr does not answer: no answer in time", seconds=30))
    clock.now += 10
    record.tell(Resumed())
    clock.now += 10
    values = values_of(record)
    assert (values["harvester_wait_seconds_total outage"], values["harvester_wait_seconds_total quota"]) == (10, 600)


def test_a_pause_is_a_wait_of_its_own(record: Record, clock: Hand) -> None:
    begin(record, Tally(clock=clock))
    record.tell(Paused(why="by a person"))
    clock.now += 7200
    assert values_of(record)["harvester_wait_seconds_total pause"] == 7200
    record.tell(Resumed())
    clock.now += 60
    assert values_of(record)["harvester_wait_seconds_total pause"] == 7200


def test_the_quota_and_what_is_expected_are_those_of_the_last_look(record: Record, clock: Hand) -> None:
    tally = Tally(clock=clock, expected=900, quota_left=lambda: 3500)
    begin(record, tally)
    assert "harvester_photos_expected" not in values_of(record)
    look(record, tally)
    values = values_of(record)
    assert (values["harvester_photos_expected"], values["harvester_quota_calls_used"]) == (900, 100)
    assert "harvester_last_commit_timestamp_seconds" not in values
    tally.written += 1
    look(record, tally)
    clock.now += 500
    look(record, tally)
    assert values_of(record)["harvester_last_commit_timestamp_seconds"] == 100


def test_counts_neither_sink_nor_double_where_a_run_ends(record: Record, clock: Hand) -> None:
    for run in (1, 2):
        tally = Tally(clock=clock)
        begin(record, tally)
        tally.attempts.outcomes["method=flickr.photos.getInfo", "ok"] += 2
        tally.attempts.within[2] += 1
        tally.attempts.within[-1] += 1
        tally.attempts.seconds += 3000.2
        tally.written += 5
        for over in ("not yet", "by itself", "closed"):
            if over == "by itself":
                end(record)
            elif over == "closed":
                record.close()
            values = values_of(record)
            assert values["harvester_photos_written_total"] == 5 * run
            assert values["harvester_api_calls_total flickr.photos.getInfo ok"] == 2 * run
            assert values["harvester_api_call_duration_seconds_bucket 0.1"] == 0
            assert values["harvester_api_call_duration_seconds_bucket 0.25"] == run
            assert values["harvester_api_call_duration_seconds_bucket 600.0"] == run
            assert values["harvester_api_call_duration_seconds_bucket +Inf"] == 2 * run
            assert values["harvester_api_call_duration_seconds_sum"] == pytest.approx(3000.2 * run)


def test_a_failure_has_a_kind(record: Record) -> None:
    assert TryLater("busy", refusal=True).kind == "busy"
    assert TryLater("nobody", unreached=True).kind == "unreached"
    assert TryLater("a page", foreign=True).kind == "foreign"
    assert TryLater("half").kind == "broken"
    record.tell(Retrying(method="m", why="", seconds=1, kind="busy"))
    assert values_of(record)["harvester_retries_total busy"] == 1


def test_no_label_holds_what_is_of_a_job(record: Record) -> None:
    job = {"source": "account", "user": "somebody", "detail": "full"}
    record.tell(Started(job=job, output=Path("secret-folder"), resumed=0, tally=Tally()))
    text = write_metrics(record.read()).decode()
    assert "somebody" not in text
    assert "secret-folder" not in text
