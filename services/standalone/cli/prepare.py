"""`chiffchaff prepare`: recordings are prepared anew, after the way to find the birds changed."""

from typing import Annotated

import typer
from rich.markup import escape

from services.standalone.cli.client import Client
from services.standalone.cli.console import DEFAULT_SERVER, Server, console, count, job_step, watch


def prepare(
    recording_id: Annotated[
        str | None, typer.Argument(help="One; if left out, all that another preset prepared, or nobody")
    ] = None,
    preset: Annotated[
        str | None, typer.Option(help="contrast, sprengel2016 or original; the server's if left out")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those that this preset prepared already")] = False,
    server: Server = DEFAULT_SERVER,
) -> None:
    """Find birds and cut slices anew; what is there stays until it is replaced."""
    client = Client(server)
    if recording_id is not None:
        job = client.post(f"/recordings/{recording_id}/prepare", {"preset": preset})
    else:
        job = client.post("/preparations", {"preset": preset, "only_other": not everything})
    done = watch(lambda: client.get(f"/jobs/{job['id']}"), lambda seen: job_step({"job": seen}))
    if done["state"] != "succeeded":
        console.print(f"{done['state']}. {escape((done['error'] or {}).get('detail', ''))}".strip(), highlight=False)
        raise typer.Exit(1)
    if recording_id is None:
        console.print(f"{count(done['result']['recordings'], 'recording')} queued: chiffchaff jobs list shows them.")
    else:
        console.print("Prepared.")
