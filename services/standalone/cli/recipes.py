"""`chiffchaff recipes`: what a training takes where nothing else is said."""

from typing import Annotated

import typer
from rich.markup import escape

from services.standalone.cli.console import console
from services.trainer import recipes as built_in
from shared.errors import NotFound


def recipes(
    name: Annotated[str | None, typer.Argument(help="Prints this one, to be saved, changed and given to train")] = None,
) -> None:
    """The recipes for `train --recipe`; with a name, a recipe's file for `train --config`."""
    if name is None:
        for one in built_in.available():
            console.print(escape(f"{one} (default)" if one == built_in.DEFAULT else one), highlight=False)
        return
    try:
        typer.echo(built_in.text(name), nl=False)
    except KeyError as error:
        known = ", ".join(built_in.available())
        raise NotFound(f"There is no recipe {name!r}.", hint=f"There are {known}.") from error
