"""A task of Prefect 3 that is tried again only where another run may help."""

import subprocess
from typing import Any

from prefect import task

RUN_AGAIN = {3, 130, 143}  # incomplete, or stopped by a signal: the next run goes on


def may_help(_task: object, _run: object, state: Any) -> bool:
    """Whether another run may bring what is missing."""
    try:
        state.result()
    except Exception as error:
        return getattr(error, "returncode", None) in RUN_AGAIN
    return False


@task(retries=8, retry_delay_seconds=900, retry_condition_fn=may_help)
def update(folder: str) -> None:
    """Bring an archive up to date; what needs it complete comes after."""
    subprocess.run(["harvester", "update", "--no-progress", folder], check=True)
