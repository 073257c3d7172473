"""`chiffchaff ingest`: recordings come in."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from chiffchaff_client import Chiffchaff, Ingestion
from services.standalone.cli.console import DEFAULT_SERVER, Server, console, count, watch


def ingest(
    path: Annotated[Path, typer.Argument(exists=True, resolve_path=True, help="A folder, or a CSV manifest")],
    licence: Annotated[str, typer.Option(help="Of all recordings of a folder")] = "",
    recordist: Annotated[str, typer.Option(help="Of all recordings of a folder")] = "",
    select: Annotated[list[str] | None, typer.Option(help="COLUMN=VALUE of a manifest; may be repeated")] = None,
    wait: Annotated[bool, typer.Option(help="Wait until all is prepared")] = True,
    server: Server = DEFAULT_SERVER,
) -> None:
    """Bring recordings in: sub-folders named by species, or a manifest with path, label, recordist, licence, xc_id."""
    with Chiffchaff(server) as chiffchaff:
        if path.is_dir():
            ingestion = chiffchaff.ingestions.folder(path, licence=licence, recordist=recordist)
        else:
            ingestion = chiffchaff.ingestions.manifest(path, select=_selection(select or []))
        console.print(f"Ingestion {ingestion.id} accepted.")
        if wait:
            watch_ingestion(chiffchaff, ingestion.id)


def watch_ingestion(chiffchaff: Chiffchaff, ingestion_id: str) -> None:
    """Shows how far an ingestion is until it has ended, then what could not be used. Exits with 1 if it failed."""
    done = watch(lambda show: chiffchaff.ingestions.wait(ingestion_id, show), _ingestion_step)
    counts = done.counts
    console.print(
        f"{done.state}: {counts.prepared} prepared ({counts.known} known before), "
        f"{counts.refused + counts.unusable} unusable."
    )
    if cancelled := counts.cancelled:
        console.print(
            f"  {count(cancelled, 'recording')} not prepared when it was cancelled: ingest it again to go on."
        )
    _say_what_to_look_at(done)
    if done.reason:
        console.print(f"  {escape(done.reason)}", highlight=False)
    if not done.succeeded:
        raise typer.Exit(1)


def _say_what_to_look_at(ingestion: Ingestion) -> None:
    for problem in ingestion.problems:
        console.print(f"  [yellow]{escape(problem.path)}[/]: {escape(problem.detail)}", highlight=False)
    failed = ingestion.counts.refused + ingestion.counts.unusable
    if failed > len(ingestion.problems):
        more = failed - len(ingestion.problems)
        console.print(f"  and {more:,} more: GET /ingestions/{ingestion.id}/items?outcome=refused", highlight=False)
    if (skipped := ingestion.counts.skipped) and ingestion.source == "folder":
        console.print(f"  {count(skipped, 'other file')}: no recordings, or not finished.")
    for warning in ingestion.warnings:
        console.print(f"  [yellow]Look at this:[/] {escape(warning)}", highlight=False)


def _selection(pairs: list[str]) -> dict[str, list[str]]:
    chosen: dict[str, list[str]] = {}
    for pair in pairs:
        column, separator, value = pair.partition("=")
        if not separator:
            raise typer.BadParameter(f"{pair!r} is not COLUMN=VALUE")
        chosen.setdefault(column, []).append(value)
    return chosen


def _ingestion_step(ingestion: Ingestion) -> tuple[float | None, str]:
    counts = ingestion.counts
    taken = counts.accepted + counts.known + counts.refused
    message = ingestion.job.progress.message if ingestion.source == "xeno-canto" else ""
    return ingestion.fraction, message or f"{taken} files taken in, {counts.prepared} prepared"
