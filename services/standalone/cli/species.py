"""`chiffchaff species`: what the library holds of each."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Column, Table

from chiffchaff_client import Chiffchaff
from services.standalone.cli.console import DEFAULT_SERVER, Server, console, count
from services.standalone.cli.filters import Filters, with_filters


@with_filters
def species(
    filters: Filters,
    q: Annotated[str | None, typer.Argument(help="A part of any name, in any language")] = None,
    picture: Annotated[Path | None, typer.Option(help="Draw minutes of signal per species into this PNG")] = None,
    top: Annotated[int, typer.Option(min=1, max=100, help="How many species the picture shows")] = 25,
    server: Server = DEFAULT_SERVER,
) -> None:
    """The species of the library, of the recordings that the options name."""
    if picture is not None and picture.suffix.lower() != ".png":
        raise typer.BadParameter(f"{picture} does not end in .png")
    with Chiffchaff(server) as chiffchaff:
        if picture is not None:
            chiffchaff.species.draw(picture, q, top=top, **filters)
            console.print(f"Drawn into {escape(str(picture))}.", highlight=False)
            return
        found = chiffchaff.species.list(q, **filters)
    figures = ("recordings", "recordists", "minutes", "with a bird")
    table = Table("species", "names", *(Column(name, justify="right") for name in figures))
    for one in found:
        names = ", ".join(name for name in (one.common_name, *one.names.values()) if name)
        table.add_row(
            escape(one.scientific_name),
            escape(names),
            f"{one.recordings:,}",
            f"{one.recordists:,}",
            f"{one.seconds / 60:,.1f}",
            f"{one.signal_seconds / 60:,.1f}",
        )
    console.print(table)
    console.print(
        f"{len(found):,} species, {count(sum(one.recordings for one in found), 'recording')}.", highlight=False
    )
