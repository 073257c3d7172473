"""`chiffchaff attribution`: whom to thank, and under which licence."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from chiffchaff_client import Chiffchaff
from chiffchaff_client.attributions import Format
from services.standalone.cli.console import DEFAULT_SERVER, Server, console
from services.standalone.cli.filters import Filters, with_filters

SUFFIXES: dict[str, Format] = {".txt": "text", ".md": "markdown", ".csv": "csv", ".json": "json"}


def _format_of(file: Path) -> Format:
    try:
        return SUFFIXES[file.suffix.lower()]
    except KeyError:
        raise typer.BadParameter(f"{file} ends in none of {', '.join(SUFFIXES)}; or give --format") from None


@with_filters
def attribution(
    filters: Filters,
    ids: Annotated[list[str] | None, typer.Argument(help="Recordings; else those that the options name")] = None,
    dataset: Annotated[str | None, typer.Option(help="Id of a dataset: the recordings that it lists")] = None,
    model: Annotated[str | None, typer.Option(help="NAME or NAME:VERSION: what it was trained on")] = None,
    output: Annotated[Path | None, typer.Option(help="Write to this file: .txt, .md, .csv or .json")] = None,
    format: Annotated[Format | None, typer.Option(help="Else by the file's name")] = None,
    server: Server = DEFAULT_SERVER,
) -> None:
    """Whom to thank for recordings and under which licence, as text that can stand beside a work."""
    wanted: dict[str, Any] = {**filters, "ids": ids or None, "dataset_id": dataset}
    if model is not None:
        wanted["model"], _, version = model.partition(":")
        wanted["version"] = version or None
    chosen = format or (_format_of(output) if output else "text")
    with Chiffchaff(server) as chiffchaff:
        if output is None:
            typer.echo(chiffchaff.attributions.get(chosen, **wanted), nl=False)
            return
        chiffchaff.attributions.save(output, chosen, **wanted)
    console.print(f"Written to {escape(str(output))}.", highlight=False)
