"""`chiffchaff storage`: are all files there and whole; making room."""

from typing import Annotated, Any

import typer
from rich.filesize import decimal
from rich.markup import escape

from chiffchaff_client import Chiffchaff, Job
from services.standalone.cli.console import DEFAULT_SERVER, Server, console, count, ending, watch_job

REMEDIES = {
    "recording": "Bring the recording in again from where it came, or restore the file from a backup.",
    "model": "Restore the file from a backup, or train the model again.",
    "dataset": "Restore the file from a backup, or freeze the dataset again.",
}

app = typer.Typer(no_args_is_help=True, help="Are all files there and whole; making room.")


@app.command("verify")
def verify(server: Server = DEFAULT_SERVER) -> None:
    """Read every original, model and dataset and tell what is missing or corrupt. Exit status 1 when something is."""
    with Chiffchaff(server) as chiffchaff:
        found = _result(chiffchaff, chiffchaff.storage.verify())
    console.print(f"{count(found['files'], 'file')} looked at, {decimal(found['bytes'])} read.", highlight=False)
    if found["pruned"]:
        console.print(f"{count(found['pruned'], 'prepared file')} not there: made anew when needed.", highlight=False)
    if found["unknown"]:
        console.print(f"{count(found['unknown'], 'file')} that nothing refers to, such as:", highlight=False)
        for key in found["unknown_keys"][:3]:
            console.print(f"  {escape(key)}", highlight=False, soft_wrap=True)
    wrong = found["missing"] + found["corrupt"]
    if not wrong:
        console.print("[green]Nothing is missing, nothing is corrupt.[/]")
        return
    _show(found["problems"], wrong)
    raise typer.Exit(1)


@app.command("prune")
def prune(
    max_gb: Annotated[
        float | None,
        typer.Option(min=0, help="What prepared audio may take; CHIFFCHAFF_PREPARED_MAX_GB of the server if left out"),
    ] = None,
    server: Server = DEFAULT_SERVER,
) -> None:
    """Make room: remove the prepared audio that was not used for longest. It comes back when it is needed."""
    with Chiffchaff(server) as chiffchaff:
        done = _result(chiffchaff, chiffchaff.storage.prune(max_gb))
    console.print(
        f"{count(done['removed'], 'prepared file')} removed, {decimal(done['freed_bytes'])} freed; "
        f"{decimal(done['kept_bytes'])} of prepared audio stay.",
        highlight=False,
    )


def _result(chiffchaff: Chiffchaff, job: Job) -> dict[str, Any]:
    ended = watch_job(chiffchaff, job.id)
    if not ended.succeeded:
        console.print(ending(ended), highlight=False)
        raise typer.Exit(1)
    return ended.result or {}


def _show(problems: list[Any], wrong: int) -> None:
    # Line by line and not in a table: a key is to be copied whole.
    for one in problems:
        console.print(f"[red]{one['problem']}[/] {escape(one['what'])}: {escape(one['detail'])}", highlight=False)
        console.print(f"    {escape(one['key'])}", highlight=False, soft_wrap=True)
    if wrong > len(problems):
        console.print(f"... and {wrong - len(problems):,} more.", highlight=False)
    for kind in dict.fromkeys(one["what"].split()[0] for one in problems):
        console.print(f"{kind}: {REMEDIES[kind]}", highlight=False)
