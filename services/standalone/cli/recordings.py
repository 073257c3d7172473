"""`chiffchaff recordings`: what the library holds."""

from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Column, Table

from services.standalone.cli.client import Client
from services.standalone.cli.console import DEFAULT_SERVER, Server, console, count, id_column
from services.standalone.cli.filters import Filters, with_filters

app = typer.Typer(no_args_is_help=True, help="What the library holds: search, look, delete, restore.")


@app.command("list")
@with_filters
def list_recordings(
    filters: Filters,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 30,
    server: Server = DEFAULT_SERVER,
) -> None:
    """The recordings that the options name, newest first."""
    client = Client(server)
    found = client.get("/recordings", limit=limit, **filters)
    if not found["items"]:
        hint = "`chiffchaff species` shows what there is." if filters else "`chiffchaff ingest` brings some in."
        console.print(f"0 recordings. {hint}", highlight=False)
        return
    table = Table(id_column(), "species", "quality", Column("length", justify="right"), "origin")
    for one in found["items"]:
        table.add_row(one["id"], escape(one["species"] or ""), one["quality"], _length(one), escape(_origin(one)))
    console.print(table)
    total = client.get("/recordings/count", **filters)
    shown = len(found["items"])
    of_all = f"the newest {shown:,} of " if total["recordings"] > shown else ""
    console.print(
        f"{of_all}{count(total['recordings'], 'recording')}, {total['seconds'] / 60:,.1f} minutes, "
        f"{total['signal_seconds'] / 60:,.1f} of them with a bird.",
        highlight=False,
    )


@app.command("show")
def show_recording(recording_id: str, server: Server = DEFAULT_SERVER) -> None:
    """All that is known of a recording."""
    one = Client(server).get(f"/recordings/{recording_id}")
    table = Table(show_header=False, box=None)
    hidden = {"sections", "slices", "details", "section_count", "slice_count", "warnings", "secondary", "ingestions"}
    for name, value in one.items():
        if name not in hidden and value not in (None, ""):
            table.add_row(name.replace("_", " "), escape(str(round(value, 4) if isinstance(value, float) else value)))
    for name in ("secondary", "warnings"):
        if one[name]:
            table.add_row(name, escape("; ".join(one[name])))
    for arrival in one["ingestions"]:
        table.add_row("ingestion", escape(f"{arrival['ingestion_id']}: {arrival['path']} ({arrival['outcome']})"))
    for name, value in one["details"].items():
        table.add_row(f"[dim]{escape(name)}[/]", escape(str(value)))
    console.print(table, highlight=False)
    console.print(f"{count(one['section_count'], 'section')}, {count(one['slice_count'], 'slice')}.", highlight=False)


@app.command("delete")
def delete_recordings(recording_ids: list[str], server: Server = DEFAULT_SERVER) -> None:
    """Take recordings out of lists, statistics and new datasets; `restore` puts them back."""
    client = Client(server)
    for recording_id in recording_ids:  # all are there, or none is deleted
        client.get(f"/recordings/{recording_id}")
    for recording_id in recording_ids:
        client.delete(f"/recordings/{recording_id}")
    console.print(f"{count(len(recording_ids), 'recording')} deleted; `chiffchaff recordings restore` undoes it.")


@app.command("restore")
def restore_recordings(recording_ids: list[str], server: Server = DEFAULT_SERVER) -> None:
    """Put deleted recordings back."""
    client = Client(server)
    for recording_id in recording_ids:
        client.post(f"/recordings/{recording_id}/restore", None)
    console.print(f"{count(len(recording_ids), 'recording')} restored.")


def _length(one: Any) -> str:
    if one["seconds"] is None:
        return "not prepared"
    minutes, seconds = divmod(round(one["seconds"]), 60)
    return f"{minutes:,}:{seconds:02}"


def _origin(one: Any) -> str:
    name = f"XC{one['xc_id']}" if one["xc_id"] else one["name"]
    return ", ".join(part for part in (name, one["recordist"], one["country"]) if part)
