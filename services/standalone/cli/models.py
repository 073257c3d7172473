"""`chiffchaff models`: the models, and which of them answers."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from services.standalone.cli.client import Client
from services.standalone.cli.console import DEFAULT_SERVER, Server, console, interval
from shared.model_file import BESIDE

app = typer.Typer(no_args_is_help=True, help="The models, and which of them answers.")


@app.command("list")
def list_models(server: Server = DEFAULT_SERVER) -> None:
    """All models, newest first."""
    table = Table("name", "version", "species", "right first, mean over species (95 % interval)", "active")
    for model in Client(server).get("/models")["items"]:
        metric = model["metrics"].get("macro_top1")
        figure = interval(metric) if metric else "unknown"
        table.add_row(model["name"], model["version"], str(model["labels"]), figure, "yes" if model["active"] else "")
    console.print(table)


@app.command("activate")
def activate_model(
    name: str,
    version: Annotated[int | None, typer.Argument(help="The newest if left out")] = None,
    server: Server = DEFAULT_SERVER,
) -> None:
    """Let a model answer."""
    model = Client(server).put("/models/active", {"name": name, "version": version})["model"]
    console.print(f"{model['name']} version {model['version']} answers now.")


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
    client = Client(server)
    there = client.get(f"/models/{name}/{version}")["files"]
    folder.mkdir(parents=True, exist_ok=True)
    for kind, file in {"model": "model.pt", **BESIDE}.items():
        if kind in there:
            client.download(f"/models/{name}/{version}/{kind}", folder / file)
    console.print(f"Saved to {escape(str(folder))}.")
