"""`chiffchaff classify`: who sings in a recording."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.progress import MofNCompleteColumn
from rich.table import Table

from services.standalone.cli.client import Client
from services.standalone.cli.console import DEFAULT_SERVER, Server, bar, console
from shared.errors import ChiffchaffError

BLOCK_BYTES = 1 << 18


def classify(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False)],
    top: Annotated[int, typer.Option(min=1, help="Species to show")] = 3,
    min_confidence: Annotated[float | None, typer.Option(min=0, max=1)] = None,
    server: Server = DEFAULT_SERVER,
) -> None:
    """Say who sings in one or several recordings."""
    client = Client(server)
    failed = 0
    parameters: dict[str, Any] = {"top_k": top}
    if min_confidence is not None:
        parameters["min_confidence"] = min_confidence
    table = Table("file", "species", "confidence", "heard at (s)")
    with bar(MofNCompleteColumn()) as progress:
        task = progress.add_task("classifying", total=len(files))
        for path in files:
            try:
                answer = client.upload("/classify", _blocks(path), **parameters)
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


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while block := stream.read(BLOCK_BYTES):
            yield block


def _rows(path: Path, answer: Any) -> Iterator[tuple[str, str, str, str]]:
    threshold = answer["parameters"]["min_confidence"]
    heard = [one for one in answer["ranking"] if one["confidence"] >= threshold]
    if not heard:
        yield path.name, "no bird heard", "", ""
    for position, one in enumerate(heard):
        times = [f"{found['start']:g}" for found in answer["detections"] if found["species"] == one["species"]]
        name = f"{one['common_name']} ({one['species']})" if one["common_name"] else one["species"]
        yield path.name if position == 0 else "", name, f"{one['confidence']:.0%}", ", ".join(times[:8])
