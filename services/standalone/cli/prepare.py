"""`chiffchaff prepare`: recordings are prepared anew, after the way to find the birds changed."""

from typing import Annotated

import typer

from chiffchaff_client import Chiffchaff
from services.standalone.cli.console import DEFAULT_SERVER, Server, console, count, ending, watch_job


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
    with Chiffchaff(server) as chiffchaff:
        if recording_id is not None:
            job = chiffchaff.recordings.prepare(recording_id, preset=preset)
        else:
            job = chiffchaff.recordings.prepare_all(preset=preset, only_other=not everything)
        done = watch_job(chiffchaff, job.id)
    if not done.succeeded:
        console.print(ending(done), highlight=False)
        raise typer.Exit(1)
    if recording_id is None:
        queued = count((done.result or {})["recordings"], "recording")
        console.print(f"{queued} queued: chiffchaff jobs list shows them.")
    else:
        console.print("Prepared.")
