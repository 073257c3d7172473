"""`chiffchaff jobs`: what runs, what failed and why."""

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from services.standalone.cli.client import Client
from services.standalone.cli.console import DEFAULT_SERVER, Server, console, id_column, job_step, watch

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
    for job in Client(server).get("/jobs", state=state, limit=limit)["items"]:
        fraction = job["progress"]["fraction"]
        table.add_row(job["id"], job["kind"], job["state"] + ("" if fraction is None else f" {fraction:.0%}"))
        waits_for = job["progress"]["message"] if job["state"] == "queued" else ""
        if reason := (job["error"] or {}).get("detail") or waits_for:
            reasons.append(f"  [yellow]{job['id']}[/]: {escape(reason)}")
    console.print(table)
    for line in reasons:
        console.print(line, highlight=False)


@app.command("cancel")
def cancel_job(job_id: str, server: Server = DEFAULT_SERVER) -> None:
    """Cancel a job and all below it."""
    console.print(Client(server).delete(f"/jobs/{job_id}")["state"])


@app.command("retry")
def retry_jobs(
    job_id: Annotated[str | None, typer.Argument()] = None,
    dead: Annotated[bool, typer.Option("--dead", help="All dead jobs")] = False,
    kind: Annotated[str | None, typer.Option(help="With --dead: of this kind only, such as preprocess.prepare")] = None,
    server: Server = DEFAULT_SERVER,
) -> None:
    """Queue a failed, dead or cancelled job once more."""
    client = Client(server)
    if (job_id is None) == (not dead):
        raise typer.BadParameter("give a job's id, or --dead")
    if job_id is not None:
        client.post(f"/jobs/{job_id}/retry", None)
        console.print("1 queued again.")
    else:
        console.print(f"{client.post('/jobs/retry', {'state': 'dead', 'kind': kind})['queued']} queued again.")


@app.command("watch")
def watch_job(job_id: str, server: Server = DEFAULT_SERVER) -> None:
    """Show how far a job is until it has ended; Ctrl-C stops the watching, not the job."""
    client = Client(server)
    job = watch(lambda: client.get(f"/jobs/{job_id}"), lambda seen: job_step({"job": seen}))
    console.print(f"{job['state']}. {escape((job['error'] or {}).get('detail', ''))}".strip(), highlight=False)
    if job["state"] != "succeeded":
        raise typer.Exit(1)
