"""`chiffchaff jobs`: what runs, what failed and why."""

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from chiffchaff_client import Chiffchaff
from services.standalone.cli.console import DEFAULT_SERVER, Server, console, ending, id_column, watch_job

app = typer.Typer(no_args_is_help=True, help="What runs, what failed and why.")


@app.command("list")
def list_jobs(
    state: Annotated[str | None, typer.Option(help="queued, running, succeeded, failed, dead or cancelled")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 30,
    server: Server = DEFAULT_SERVER,
) -> None:
    """The jobs, newest first, and below them why some failed or what they wait for."""
    table = Table(id_column(), "kind", "state")
    reasons = []
    with Chiffchaff(server) as chiffchaff:
        for job in chiffchaff.jobs.list(state=state, limit=limit):
            fraction = job.progress.fraction
            table.add_row(job.id, job.kind, job.state + ("" if fraction is None else f" {fraction:.0%}"))
            waits_for = job.progress.message if job.state == "queued" else ""
            if reason := job.reason or waits_for:
                reasons.append(f"  [yellow]{job.id}[/]: {escape(reason)}")
    console.print(table)
    for line in reasons:
        console.print(line, highlight=False)


@app.command("cancel")
def cancel_job(job_id: str, server: Server = DEFAULT_SERVER) -> None:
    """Cancel a job and all below it."""
    with Chiffchaff(server) as chiffchaff:
        console.print(chiffchaff.jobs.cancel(job_id).state)


@app.command("retry")
def retry_jobs(
    job_id: Annotated[str | None, typer.Argument()] = None,
    dead: Annotated[bool, typer.Option("--dead", help="All dead jobs")] = False,
    kind: Annotated[str | None, typer.Option(help="With --dead: of this kind only, such as preprocess.prepare")] = None,
    server: Server = DEFAULT_SERVER,
) -> None:
    """Queue a failed, dead or cancelled job once more."""
    if (job_id is None) == (not dead):
        raise typer.BadParameter("give a job's id, or --dead")
    with Chiffchaff(server) as chiffchaff:
        if job_id is not None:
            chiffchaff.jobs.retry(job_id)
            console.print("1 queued again.")
        else:
            console.print(f"{chiffchaff.jobs.retry_all('dead', kind=kind)} queued again.")


@app.command("watch")
def watch_one(job_id: str, server: Server = DEFAULT_SERVER) -> None:
    """Show how far a job is until it has ended; Ctrl-C stops the watching, not the job."""
    with Chiffchaff(server) as chiffchaff:
        job = watch_job(chiffchaff, job_id)
    console.print(ending(job), highlight=False)
    if not job.succeeded:
        raise typer.Exit(1)
