"""`chiffchaff xeno-canto`: recordings come in from Xeno-canto, after a look at how many they are."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from chiffchaff_client import Chiffchaff, WorkFailed
from services.standalone.cli.console import DEFAULT_SERVER, Server, console, count, job_step, watch
from services.standalone.cli.ingest import watch_ingestion

SPECIES_SHOWN = 40
GIGABYTE, MEGABYTE = 1e9, 1e6


class Quality(StrEnum):
    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"
    B_OR_BETTER = "B or better"
    C_OR_BETTER = "C or better"
    D_OR_BETTER = "D or better"


def xeno_canto(
    species: Annotated[list[str] | None, typer.Argument(help='Such as "Turdus merula" "European Robin" Amsel')] = None,
    query: Annotated[
        str | None, typer.Option(help='Instead of all else: tags of Xeno-canto, such as `gen:turdus cnt:"Costa Rica"`')
    ] = None,
    country: Annotated[str | None, typer.Option(help="In English; =Niger is not Nigeria as well")] = None,
    quality: Annotated[Quality | None, typer.Option()] = None,
    unrated: Annotated[bool, typer.Option("--unrated", help="With --quality: also those that nobody rated")] = False,
    kind: Annotated[str | None, typer.Option("--type", help="song, call, ...")] = None,
    min_seconds: Annotated[int | None, typer.Option(min=0)] = None,
    max_seconds: Annotated[int | None, typer.Option(min=0)] = None,
    box: Annotated[str | None, typer.Option(metavar="SOUTH,WEST,NORTH,EAST", help="In degrees")] = None,
    year: Annotated[int | None, typer.Option(help="In which it was recorded")] = None,
    since: Annotated[str | None, typer.Option(metavar="YYYY-MM-DD", help="Uploaded since")] = None,
    max_per_species: Annotated[int | None, typer.Option(min=1, help="The best come first")] = None,
    no_derivatives: Annotated[
        bool, typer.Option("--no-derivatives", help="Also recordings whose licence allows no derivatives")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what there is")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Download without asking")] = False,
    wait: Annotated[bool, typer.Option(help="Wait until all is prepared")] = True,
    server: Server = DEFAULT_SERVER,
) -> None:
    """Bring recordings in from Xeno-canto. The server needs the key of an account there (CHIFFCHAFF_XENO_CANTO_KEY)."""
    given: dict[str, Any] = {
        "species": species,
        "query": query,
        "country": country,
        "quality": quality,
        "unrated": unrated or None,
        "type": kind,
        "min_seconds": min_seconds,
        "max_seconds": max_seconds,
        "box": _box(box),
        "year": year,
        "since": since,
        "max_per_species": max_per_species,
        "no_derivatives": "include" if no_derivatives else None,
    }
    search = {name: value for name, value in given.items() if value is not None}
    with Chiffchaff(server) as chiffchaff:
        if dry_run or not yes:
            summary = _look(chiffchaff, search)
            _show(summary)
            if dry_run or not summary["chosen"]:
                return
            size = _size(summary["estimated_bytes"])
            typer.confirm(f"Download {count(summary['chosen'], 'recording')}, about {size}?", abort=True)
        ingestion = chiffchaff.ingestions.xeno_canto(**search)
        console.print(f"Ingestion {ingestion.id} accepted.")
        if wait:
            watch_ingestion(chiffchaff, ingestion.id)


def _look(chiffchaff: Chiffchaff, search: dict[str, Any]) -> Any:
    """The summary of a dry run."""
    started = chiffchaff.ingestions.xeno_canto(**search, dry_run=True)
    done = watch(lambda show: chiffchaff.ingestions.wait(started.id, show), lambda seen: job_step(seen.job))
    if not done.succeeded or done.job.result is None:
        raise WorkFailed(done.reason or f"The search ended as {done.state}.")
    return done.job.result["summary"]


def _show(summary: Any) -> None:
    """As tables: what would come in by species, and why the rest would not."""
    if not summary["found"]:
        console.print("Xeno-canto has no such recordings. Are the names spelt as it spells them?")
        return
    console.print(
        f"Xeno-canto has {count(summary['found'], 'recording')}. {summary['known']:,} of them are in the library; "
        f"{summary['chosen']:,} would be downloaded: {summary['hours']:,.1f} hours of sound, "
        f"about {_size(summary['estimated_bytes'])} (an estimate from length and format).",
        highlight=False,
    )
    if summary["species"]:
        table = Table("species", "", "recordings", "hours")
        for row in _rows(summary["species"]):
            table.add_row(*row)
        console.print(table)
    for title, figures in (("Quality", summary["quality"]), ("Licences", summary["licences"])):
        if figures:
            shown = ", ".join(f"{name} {number:,}" for name, number in figures.items())
            console.print(f"{title}: {escape(shown)}", highlight=False)
    for one in summary["left_out"]:
        console.print(f"  [yellow]{one['recordings']:,} left out[/]: {escape(one['reason'])}", highlight=False)


def _rows(species: Any) -> Iterator[tuple[str, str, str, str]]:
    most = sorted(species.items(), key=lambda item: (-item[1]["recordings"], item[0]))
    for name, figures in most[:SPECIES_SHOWN]:
        yield name, escape(figures["common_name"]), f"{figures['recordings']:,}", f"{figures['hours']:,.1f}"
    if rest := most[SPECIES_SHOWN:]:
        recordings = sum(figures["recordings"] for _, figures in rest)
        yield f"and {len(rest):,} more", "", f"{recordings:,}", f"{sum(figures['hours'] for _, figures in rest):,.1f}"


def _size(size: float) -> str:
    return f"{size / GIGABYTE:,.1f} GB" if size >= GIGABYTE else f"{max(1, round(size / MEGABYTE)):,} MB"


def _box(text: str | None) -> list[float] | None:
    if text is None:
        return None
    try:
        degrees = [float(part) for part in text.split(",")]
    except ValueError:
        degrees = []
    if len(degrees) != 4:
        raise typer.BadParameter(f"{text!r} is not SOUTH,WEST,NORTH,EAST", param_hint="--box")
    return degrees
