"""`chiffchaff classify`: who sings in a recording."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import MofNCompleteColumn
from rich.table import Table

from chiffchaff_client import Chiffchaff, ChiffchaffError, Classification
from services.standalone.cli.console import DEFAULT_SERVER, Server, bar, console

MOST_PASSAGES = 6


def classify(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False)],
    top: Annotated[int, typer.Option(min=1, help="Species to show")] = 3,
    min_confidence: Annotated[float | None, typer.Option(min=0, max=1)] = None,
    threshold: Annotated[
        list[str] | None, typer.Option(help="Least confidence for one species: 'Turdus merula:0.4'; repeatable")
    ] = None,
    species: Annotated[list[str] | None, typer.Option(help="Name only these; repeatable")] = None,
    step: Annotated[float | None, typer.Option(help="Seconds from one window to the next")] = None,
    latitude: Annotated[float | None, typer.Option(help="Where it was recorded, degrees north")] = None,
    longitude: Annotated[float | None, typer.Option(help="Degrees east")] = None,
    date: Annotated[str | None, typer.Option(help="When it was recorded: 2024-05-01")] = None,
    model: Annotated[str | None, typer.Option(help="Instead of the active one: NAME or NAME:VERSION")] = None,
    server: Server = DEFAULT_SERVER,
) -> None:
    """Say who sings in one or several recordings."""
    thresholds = _thresholds(threshold or [])
    failed = 0
    table = Table("file", "species", "confidence", "heard at (s)")
    with Chiffchaff(server) as chiffchaff, bar(MofNCompleteColumn()) as progress:
        task = progress.add_task("classifying", total=len(files))
        for path in files:
            try:
                answer = chiffchaff.classify(
                    path,
                    top_k=top,
                    min_confidence=min_confidence,
                    thresholds=thresholds,
                    species=species,
                    step=step,
                    merge=0,
                    latitude=latitude,
                    longitude=longitude,
                    date=date,
                    model=model,
                )
            except ChiffchaffError as error:
                failed += 1
                table.add_row(escape(path.name), f"[red]{escape(str(error))}[/]", "", "")
            else:
                for row in _rows(path, answer):
                    table.add_row(*map(escape, row))
            progress.advance(task)
    console.print(table)
    if failed:
        raise typer.Exit(1)


def _thresholds(given: list[str]) -> dict[str, float]:
    thresholds = {}
    for one in given:
        name, _, least = one.rpartition(":")
        try:
            thresholds[name] = float(least)
        except ValueError:
            raise typer.BadParameter(f"{one!r} is not 'SPECIES:CONFIDENCE'", param_hint="--threshold") from None
    return thresholds


def _rows(path: Path, answer: Classification) -> Iterator[tuple[str, str, str, str]]:
    passages: dict[str, list[str]] = {}
    for found in answer.detections:
        passages.setdefault(found.species, []).append(f"{found.start:g}-{found.end:g}")
    heard = [one for one in answer.ranking if one.species in passages]
    said = {
        "nothing": "no bird heard",
        "unknown": "a sound that the model does not know" + ("; the nearest:" if heard else ""),
    }.get(answer.outcome)
    if said:
        yield path.name, said, "", ""
    for position, one in enumerate(heard):
        name = f"{one.common_name} ({one.species})" if one.common_name else one.species
        name += ", not expected there" if one.expected_here is False else ""
        times = passages[one.species]
        yield (
            "" if said or position else path.name,
            name,
            f"{one.confidence:.0%}",
            ", ".join(times[:MOST_PASSAGES]) + (" ..." if len(times) > MOST_PASSAGES else ""),
        )
