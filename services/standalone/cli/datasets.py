"""`chiffchaff datasets`: frozen lists of slices, to train on or to take elsewhere."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.markup import escape
from rich.table import Column, Table

from chiffchaff_client import Chiffchaff, Dataset
from services.standalone.cli.console import DEFAULT_SERVER, Server, console, count, id_column

DAY = "%Y-%m-%d"

app = typer.Typer(no_args_is_help=True, help="Frozen lists of slices, to train on or to take elsewhere.")


@app.command("list")
def list_datasets(
    limit: Annotated[int, typer.Option(min=1, max=500)] = 30,
    server: Server = DEFAULT_SERVER,
) -> None:
    """The datasets, newest first."""
    table = Table(id_column(), "name", "species", "recordings", "slices", "frozen on")
    with Chiffchaff(server) as chiffchaff:
        for dataset in chiffchaff.datasets.list(limit=limit):
            summary = dataset.summary
            figures = (f"{n:,}" for n in (len(summary.classes), summary.recordings, summary.slices))
            table.add_row(dataset.id, escape(dataset.name), *figures, f"{dataset.created_at:{DAY}}")
    console.print(table)


@app.command("create")
def create_dataset(
    name: Annotated[str, typer.Argument(help="Letters, digits, spaces, `.`, `_` and `-`")] = "dataset",
    species: Annotated[list[str] | None, typer.Option(help="Any name of it; may be repeated; all if left out")] = None,
    quality: Annotated[
        list[str] | None, typer.Option(help="A to E, or unrated for those without; may be repeated")
    ] = None,
    licence: Annotated[
        list[str] | None, typer.Option(help='Such as "CC BY", which is not "CC BY-NC"; may be repeated')
    ] = None,
    exclude_no_derivatives: Annotated[
        bool, typer.Option("--exclude-no-derivatives", help="Leave NoDerivatives recordings out, to share the model")
    ] = False,
    source: Annotated[list[str] | None, typer.Option(help="folder, manifest, upload, xeno-canto")] = None,
    country: Annotated[list[str] | None, typer.Option(help="May be repeated")] = None,
    box: Annotated[
        tuple[float, float, float, float] | None,
        typer.Option(help="In degrees", metavar="SOUTH WEST NORTH EAST"),
    ] = None,
    recorded_from: Annotated[datetime | None, typer.Option(formats=[DAY], help="On this day or later")] = None,
    recorded_to: Annotated[datetime | None, typer.Option(formats=[DAY], help="On this day or earlier")] = None,
    month: Annotated[list[int] | None, typer.Option(min=1, max=12, help="Of any year; may be repeated")] = None,
    background: Annotated[
        list[str] | None, typer.Option(help="Label of recordings that are mere noise, such as rain; may be repeated")
    ] = None,
    min_signal_fraction: Annotated[float | None, typer.Option(min=0, max=1, help="Of a slice")] = None,
    min_recordings: Annotated[int | None, typer.Option(min=1, help="Of a species, or it is left out")] = None,
    max_recordings: Annotated[int | None, typer.Option(min=1, help="Of a species: the best, of most people")] = None,
    min_slices: Annotated[int | None, typer.Option(min=1, help="Of a species, or it is left out")] = None,
    max_slices: Annotated[int | None, typer.Option(min=1, help="Of a species")] = None,
    max_slices_per_recording: Annotated[int | None, typer.Option(min=1)] = None,
    folds: Annotated[int | None, typer.Option(min=2, max=20, help="Parts for cross-validation")] = None,
    server: Server = DEFAULT_SERVER,
) -> None:
    """Freeze what the library holds now: which slices, and who is tested on whom."""
    wanted: dict[str, Any] = {
        "species": species or None,
        "quality": quality or None,
        "licence": licence or None,
        "no_derivatives": "exclude" if exclude_no_derivatives else None,
        "source": source or None,
        "country": country or None,
        "box": box,
        "recorded_from": f"{recorded_from:{DAY}}" if recorded_from else None,
        "recorded_to": f"{recorded_to:{DAY}}" if recorded_to else None,
        "month": month or None,
        "background": background or None,
        "min_signal_fraction": min_signal_fraction,
        "min_recordings": min_recordings,
        "max_recordings": max_recordings,
        "min_slices": min_slices,
        "max_slices": max_slices,
        "max_slices_per_recording": max_slices_per_recording,
        "folds": folds,
    }
    given = {key: value for key, value in wanted.items() if value is not None}
    with Chiffchaff(server) as chiffchaff, console.status("Freezing"):
        dataset = chiffchaff.datasets.create(name, **given)
    _show(dataset)


@app.command("show")
def show_dataset(dataset_id: str, server: Server = DEFAULT_SERVER) -> None:
    """What a dataset holds, species by species and fold by fold, and what to mind."""
    with Chiffchaff(server) as chiffchaff:
        _show(chiffchaff.datasets.get(dataset_id))


@app.command("export")
def export_dataset(
    dataset_id: str,
    file: Annotated[Path, typer.Argument(dir_okay=False, help="Ends in .parquet or .csv")],
    server: Server = DEFAULT_SERVER,
) -> None:
    """Save a row for each slice: recording, time, species, fold, recordist, licence, place."""
    kinds: dict[str, Literal["parquet", "csv"]] = {".parquet": "parquet", ".csv": "csv"}
    if (kind := kinds.get(file.suffix.lower())) is None:
        raise typer.BadParameter(f"{file.name} ends neither in .parquet nor in .csv")
    file.parent.mkdir(parents=True, exist_ok=True)
    with Chiffchaff(server) as chiffchaff:
        chiffchaff.datasets.download(dataset_id, file, format=kind)
    console.print(f"Saved to {escape(str(file))}.")


def _show(dataset: Dataset) -> None:
    summary = dataset.summary
    console.print(f"Dataset {dataset.id} ({escape(dataset.name)}), sha256 {dataset.sha256}", highlight=False)
    folds = summary.folds or 0
    table = Table(
        "species",
        *(Column(title, justify="right") for title in ("recordings", "slices", "recordists")),
        *(Column(f"fold {n + 1}", justify="right") for n in range(folds)),
    )
    for one in summary.classes:
        figures = (one.recordings, one.slices, one.recordists, *one.recordings_by_fold)
        table.add_row(escape(one.species), *(f"{figure:,}" for figure in figures))
    console.print(table)
    held = f"{len(summary.classes)} species, {count(summary.recordings, 'recording')}, "
    console.print(f"{held}{count(summary.slices, 'slice')}, {count(summary.noise_slices, 'slice')} of background.")
    if folds:
        console.print(f"No recordist, recording or sound is in two of the {folds} folds.")
    for warning in summary.warnings:
        console.print(f"  [yellow]{escape(warning)}[/]", highlight=False)
