"""What every command shares: the console, the server's address, progress bars and how figures are written."""

import os
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Column

from chiffchaff_client import Chiffchaff, Job, Metric
from chiffchaff_client.work import Show, Work

console = Console()
ESTIMATE_SECONDS = 3_600.0
"""The time left is told from the last hour: an epoch may take minutes."""
_ID_LENGTH = 32
"""Shown whole however narrow the terminal: it is what other commands are given."""

Done = TypeVar("Done", bound=Work)

Server = Annotated[
    str, typer.Option(envvar="CHIFFCHAFF_URL", help="Address of the running Chiffchaff", show_default=False)
]
DEFAULT_SERVER = f"http://127.0.0.1:{os.environ.get('CHIFFCHAFF_PORT', '8000')}"


def bar(*columns: Any) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        *columns,
        console=Console(stderr=True),
        speed_estimate_period=ESTIMATE_SECONDS,
    )


def watch(wait: Callable[[Show[Done]], Done], step: Callable[[Done], tuple[float | None, str]]) -> Done:
    """Shows how far something is until it has ended; Ctrl-C stops the watching, not the work."""
    with bar(TaskProgressColumn(), TimeRemainingColumn()) as progress:
        task = progress.add_task("waiting", total=1.0)

        def show(seen: Done) -> None:
            fraction, message = step(seen)
            description = seen.state if seen.ended or not message else escape(message)
            progress.update(task, completed=fraction or 0.0, description=description)

        return wait(show)


def watch_job(chiffchaff: Chiffchaff, job_id: str) -> Job:
    return watch(lambda show: chiffchaff.jobs.wait(job_id, show), job_step)


def ending(work: Work) -> str:
    """How something ended, and why if it did not succeed."""
    return f"{work.state}. {escape(work.reason)}".strip()


def job_step(job: Job) -> tuple[float | None, str]:
    return job.progress.fraction, job.progress.message


def count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def interval(metric: Metric) -> str:
    if metric.low is None:
        return f"{metric.value:.2f}"
    return f"{metric.value:.2f} ({metric.low:.2f}-{metric.high:.2f})"


def id_column() -> Column:
    """For a table's ids: whole, to be copied, however narrow the window; the other columns give way."""
    return Column("id", min_width=_ID_LENGTH, no_wrap=True)
