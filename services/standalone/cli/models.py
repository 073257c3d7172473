"""`chiffchaff models`: the models, and which of them answers."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from chiffchaff_client import Chiffchaff
from services.standalone.cli.console import DEFAULT_SERVER, Server, console, interval

app = typer.Typer(no_args_is_help=True, help="The models, and which of them answers.")


@app.command("list")
def list_models(server: Server = DEFAULT_SERVER) -> None:
    """All models, newest first."""
    table = Table("name", "version", "species", "right first, mean over species (95 % interval)", "active")
    with Chiffchaff(server) as chiffchaff:
        for model in chiffchaff.models.list():
            metric = model.metrics.get("macro_top1")
            figure = interval(metric) if metric else "unknown"
            table.add_row(model.name, model.version, str(model.labels), figure, "yes" if model.active else "")
    console.print(table)


@app.command("activate")
def activate_model(
    name: str,
    version: Annotated[int | None, typer.Argument(help="The newest if left out")] = None,
    server: Server = DEFAULT_SERVER,
) -> None:
    """Let a model answer."""
    with Chiffchaff(server) as chiffchaff:
        model = chiffchaff.models.activate(name, version).model
    console.print(f"{model.name} version {model.version} answers now.")


@app.command("download")
def download_model(
    name: str,
    version: int,
    folder: Annotated[
        Path, typer.Argument(file_okay=False, help="Gets model.pt, model.pt2, model.onnx, card.md and the pictures")
    ],
    server: Server = DEFAULT_SERVER,
) -> None:
    """Save a model in all its formats, with its card and pictures."""
    with Chiffchaff(server) as chiffchaff:
        chiffchaff.models.download(name, version, folder)
    console.print(f"Saved to {escape(str(folder))}.")
