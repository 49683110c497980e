"""A task of Airflow 3 that is tried again only where another run may help."""

import subprocess
from datetime import timedelta

from airflow.exceptions import AirflowException, AirflowFailException
from airflow.sdk import task

RUN_AGAIN = {3, 130, 143}  # incomplete, or stopped by a signal: the next run goes on


@task(retries=8, retry_delay=timedelta(minutes=15))
def update(folder: str) -> None:
    """Bring an archive up to date; the tasks after this one run when it is complete."""
    code = subprocess.run(["harvester", "update", "--no-progress", folder], check=False).returncode
    if code in RUN_AGAIN:
        raise AirflowException(f"harvester ended with {code}: it will be run again.")
    if code:
        raise AirflowFailException(f"harvester ended with {code}: somebody must look at its message above.")
