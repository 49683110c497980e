"""--metrics and --metrics-file: opened once for a command, however many runs it has."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harvester.config.toml_file import expand_home
from harvester.errors import UsageError
from harvester.quota.rate import Rate

if TYPE_CHECKING:
    from harvester.cli.options import Setup
    from harvester.progress.forms import Form

_FORMS = "harvester.metrics"


def find_metrics(setup: Setup, *, quota: Rate | None) -> tuple[Form, ...]:
    """The forms that keep and write the numbers, none where none are asked for."""
    context = click.get_current_context(silent=True)
    if context is None or (setup.metrics is None and setup.metrics_file is None):
        return ()
    if _FORMS not in context.meta:
        context.meta[_FORMS] = _open_metrics(setup, context.find_root(), quota=quota)
    found: tuple[Form, ...] = context.meta[_FORMS]
    return found


def _open_metrics(setup: Setup, root: click.Context, *, quota: Rate | None) -> tuple[Form, ...]:
    from harvester.progress.metrics.exposition import require_client  # noqa: PLC0415 - few ask for it
    from harvester.progress.metrics.record import Record  # noqa: PLC0415
    from harvester.progress.metrics.server import read_address, serve_metrics  # noqa: PLC0415
    from harvester.progress.metrics.textfile import Textfile  # noqa: PLC0415

    require_client("metrics" if setup.metrics_file is None else "metrics_file")
    record = Record(quota=quota)
    forms: list[Form] = [record]
    if setup.metrics_file is not None:
        path = Path(expand_home(setup.metrics_file, field="metrics_file"))
        if path.is_dir() or not path.parent.is_dir():
            raise UsageError(f"{path} is no file in a folder that is there.", field="metrics_file")
        forms.append(Textfile(record, path, warn=partial(setup.console.warn, is_loud=True)))
    if setup.metrics is not None:
        host, port = read_address(setup.metrics)
        port = root.with_resource(serve_metrics(record, host, port))
        setup.console.note(f"Metrics are at http://{f'[{host}]' if ':' in host else host}:{port}/metrics.")
    return tuple(forms)
