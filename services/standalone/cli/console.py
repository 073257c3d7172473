"""What every command shares: the console, the server's address, progress bars and how figures are written."""

import os
import time
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Column

console = Console()
POLL_SECONDS = 0.4
ESTIMATE_SECONDS = 3_600.0
"""The time left is told from the last hour: an epoch may take minutes."""
_ID_LENGTH = 32
"""Shown whole however narrow the terminal: it is what other commands are given."""

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


def watch(look: Callable[[], Any], step: Callable[[Any], tuple[float | None, str]]) -> Any:
    """Shows how far something is until it has ended; Ctrl-C stops the watching, not the work."""
    with bar(TaskProgressColumn(), TimeRemainingColumn()) as progress:
        task = progress.add_task("waiting", total=1.0)
        while True:
            seen = look()
            fraction, message = step(seen)
            ended = seen["state"] not in ("queued", "running")
            description = seen["state"] if ended or not message else escape(message)
            progress.update(task, completed=fraction or 0.0, description=description)
            if ended:
                return seen
            time.sleep(POLL_SECONDS)


def job_step(training: Any) -> tuple[float | None, str]:
    progress = training["job"]["progress"]
    return progress["fraction"], progress["message"]


def count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def interval(metric: Any) -> str:
    if metric["low"] is None:
        return f"{metric['value']:.2f}"
    return f"{metric['value']:.2f} ({metric['low']:.2f}-{metric['high']:.2f})"


def id_column() -> Column:
    """For a table's ids: whole, to be copied, however narrow the window; the other columns give way."""
    return Column("id", min_width=_ID_LENGTH, no_wrap=True)
