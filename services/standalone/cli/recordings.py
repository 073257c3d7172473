"""`chiffchaff recordings`: what the library holds."""

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from chiffchaff_client import Chiffchaff, Recording
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
    with Chiffchaff(server) as chiffchaff:
        found = [*chiffchaff.recordings.list(limit=limit, **filters)]
        total = chiffchaff.recordings.count(**filters)
    if not found:
        hint = "`chiffchaff species` shows what there is." if filters else "`chiffchaff ingest` brings some in."
        console.print(f"0 recordings. {hint}", highlight=False)
        return
    table = Table(id_column(), "species", "quality", Column("length", justify="right"), "origin")
    for one in found:
        table.add_row(one.id, escape(one.species or ""), one.quality, _length(one), escape(_origin(one)))
    console.print(table)
    of_all = f"the newest {len(found):,} of " if total.recordings > len(found) else ""
    console.print(
        f"{of_all}{count(total.recordings, 'recording')}, {total.seconds / 60:,.1f} minutes, "
        f"{total.signal_seconds / 60:,.1f} of them with a bird.",
        highlight=False,
    )


@app.command("show")
def show_recording(recording_id: str, server: Server = DEFAULT_SERVER) -> None:
    """All that is known of a recording."""
    with Chiffchaff(server) as chiffchaff:
        one = chiffchaff.recordings.get(recording_id)
    table = Table(show_header=False, box=None)
    hidden = {"details", "section_count", "slice_count", "warnings", "secondary", "ingestions"}
    for name, value in one.model_dump(mode="json", exclude=hidden).items():
        if value not in (None, ""):
            table.add_row(name.replace("_", " "), escape(str(round(value, 4) if isinstance(value, float) else value)))
    for name, texts in (("secondary", one.secondary), ("warnings", one.warnings)):
        if texts:
            table.add_row(name, escape("; ".join(texts)))
    for arrival in one.ingestions:
        table.add_row("ingestion", escape(f"{arrival.ingestion_id}: {arrival.path} ({arrival.outcome})"))
    for name, value in one.details.items():
        table.add_row(f"[dim]{escape(name)}[/]", escape(str(value)))
    console.print(table, highlight=False)
    console.print(f"{count(one.section_count, 'section')}, {count(one.slice_count, 'slice')}.", highlight=False)


@app.command("delete")
def delete_recordings(recording_ids: list[str], server: Server = DEFAULT_SERVER) -> None:
    """Take recordings out of lists, statistics and new datasets; `restore` puts them back."""
    with Chiffchaff(server) as chiffchaff:
        for recording_id in recording_ids:  # all are there, or none is deleted
            chiffchaff.recordings.get(recording_id)
        for recording_id in recording_ids:
            chiffchaff.recordings.delete(recording_id)
    console.print(f"{count(len(recording_ids), 'recording')} deleted; `chiffchaff recordings restore` undoes it.")


@app.command("restore")
def restore_recordings(recording_ids: list[str], server: Server = DEFAULT_SERVER) -> None:
    """Put deleted recordings back."""
    with Chiffchaff(server) as chiffchaff:
        for recording_id in recording_ids:
            chiffchaff.recordings.restore(recording_id)
    console.print(f"{count(len(recording_ids), 'recording')} restored.")


def _length(one: Recording) -> str:
    if one.seconds is None:
        return "not prepared"
    minutes, seconds = divmod(round(one.seconds), 60)
    return f"{minutes:,}:{seconds:02}"


def _origin(one: Recording) -> str:
    name = f"XC{one.xc_id}" if one.xc_id else one.name
    return ", ".join(part for part in (name, one.recordist, one.country) if part)
