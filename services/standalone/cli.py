"""`chiffchaff`: the command line. `serve` runs the embedded stack, `inspect` needs none; the others talk to one."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from services.standalone import inspection
from services.standalone.client import Client
from services.standalone.inspection import Inspected, targets
from shared.audio.sandbox import DecoderPool
from shared.audio.segmentation import DEFAULT, PRESETS
from shared.audio.slices import Kind
from shared.errors import ChiffchaffError
from shared.settings import Settings

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
models_app = typer.Typer(no_args_is_help=True, help="The models, and which of them answers.")
jobs_app = typer.Typer(no_args_is_help=True, help="What runs, what failed and why.")
app.add_typer(models_app, name="models")
app.add_typer(jobs_app, name="jobs")

console = Console()
POLL_SECONDS = 0.4
BLOCK_BYTES = 1 << 18


Server = Annotated[
    str, typer.Option(envvar="CHIFFCHAFF_URL", help="Address of the running Chiffchaff", show_default=False)
]
DEFAULT_SERVER = f"http://127.0.0.1:{os.environ.get('CHIFFCHAFF_PORT', '8000')}"


@app.command()
def serve() -> None:
    """Run everything on this machine until Ctrl-C. Settings are CHIFFCHAFF_* variables."""
    from services.standalone.supervisor import serve as run

    run(Settings())


@app.command()
def ingest(
    path: Annotated[Path, typer.Argument(exists=True, resolve_path=True, help="A folder, or a CSV manifest")],
    licence: Annotated[str, typer.Option(help="Of all recordings of a folder")] = "",
    recordist: Annotated[str, typer.Option(help="Of all recordings of a folder")] = "",
    select: Annotated[list[str] | None, typer.Option(help="COLUMN=VALUE of a manifest; may be repeated")] = None,
    wait: Annotated[bool, typer.Option(help="Wait until all is prepared")] = True,
    server: Server = DEFAULT_SERVER,
) -> None:
    """Bring recordings in: sub-folders named by species, or a manifest with path, label, recordist, licence, xc_id."""
    client = Client(server)
    if path.is_dir():
        source: dict[str, Any] = {"source": "folder", "path": str(path), "licence": licence, "recordist": recordist}
    else:
        source = {"source": "manifest", "path": str(path), "select": _selection(select or [])}
    ingestion = client.post("/ingestions", source)
    console.print(f"Ingestion {ingestion['id']} accepted.")
    if not wait:
        return
    done = _watch(lambda: client.get(f"/ingestions/{ingestion['id']}"), _ingestion_step)
    counts = done["counts"]
    console.print(
        f"{done['state']}: {counts['prepared']} prepared ({counts['known']} known before), "
        f"{counts['refused'] + counts['unusable']} unusable."
    )
    for problem in done["problems"]:
        console.print(f"  [yellow]{problem['path']}[/]: {problem['detail']}", highlight=False)
    if done["state"] != "succeeded":
        raise typer.Exit(1)


@app.command()
def train(
    name: Annotated[str, typer.Argument(help="The model's name")],
    species: Annotated[list[str] | None, typer.Option(help="Scientific name; may be repeated; all if left out")] = None,
    epochs: Annotated[int | None, typer.Option(min=1)] = None,
    folds: Annotated[int | None, typer.Option(help="Folds to cross-validate; 0 holds out a fifth once")] = None,
    exclude_no_derivatives: Annotated[
        bool, typer.Option("--exclude-no-derivatives", help="Leave NoDerivatives recordings out, to share the model")
    ] = False,
    activate: Annotated[bool, typer.Option(help="Let the model answer when it is done")] = False,
    wait: Annotated[bool, typer.Option(help="Wait until it is trained")] = True,
    server: Server = DEFAULT_SERVER,
) -> None:
    """Train a model on what the library holds."""
    client = Client(server)
    training = client.post(
        "/trainings",
        {
            "name": name,
            "dataset": {
                "name": name,
                "species": species or None,
                "no_derivatives": "exclude" if exclude_no_derivatives else "include",
            },
            "config": {key: value for key, value in {"epochs": epochs, "folds": folds}.items() if value is not None},
        },
    )
    dataset = client.get(f"/datasets/{training['dataset_id']}")
    summary = dataset["summary"]
    console.print(
        f"Training {training['id']} accepted: {len(summary['classes'])} species, {summary['recordings']} recordings, "
        f"{summary['slices']} slices."
    )
    for warning in summary["warnings"]:
        console.print(f"  [yellow]{warning}[/]", highlight=False)
    if not wait:
        return
    done = _watch(lambda: client.get(f"/trainings/{training['id']}"), _job_step)
    if done["state"] != "succeeded":
        raise ChiffchaffError(
            f"The training ended as {done['state']}.", hint=(done["job"]["error"] or {}).get("detail", "")
        )
    model = done["model"]
    console.print(f"Model {model['name']} version {model['version']} is there.")
    if activate:
        client.put("/models/active", model)
        console.print("It answers now.")


@app.command()
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
    with _bar(MofNCompleteColumn()) as progress:
        task = progress.add_task("classifying", total=len(files))
        for path in files:
            try:
                answer = client.upload("/classify", _blocks(path), **parameters)
            except ChiffchaffError as error:
                failed += 1
                table.add_row(path.name, f"[red]{error}[/]", "", "")
            else:
                for row in _rows(path, answer):
                    table.add_row(*row)
            progress.advance(task)
    console.print(table)
    if failed:
        raise typer.Exit(1)


@app.command()
def inspect(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, readable=True)],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="PICTURE.png, or a folder. Else FILE's name with .png, here")
    ] = None,
    preset: Annotated[
        str, typer.Option(help="How signal is told from noise", metavar="|".join(PRESETS))
    ] = DEFAULT.name,
    start: Annotated[float, typer.Option(min=0, help="Show from this second on")] = 0.0,
    seconds: Annotated[float | None, typer.Option(help="Show so many seconds; all that follows if left out")] = None,
) -> None:
    """Draw what the signal chain finds in recordings: waveform, spectrogram, masks, sections and slices. No server."""
    pictures = targets(files, output)
    if preset not in PRESETS:
        raise typer.BadParameter(f"{preset!r} is none of {', '.join(PRESETS)}", param_hint="--preset")
    results: list[Table | str] = []
    failed = 0
    with DecoderPool() as decoders, _bar(MofNCompleteColumn(), SpinnerColumn(), TimeElapsedColumn()) as progress:
        task = progress.add_task("starting", total=len(files))
        for path, picture in zip(files, pictures, strict=True):

            def tell(step: str, name: str = path.name) -> None:
                progress.update(task, description=escape(f"{step} {name}"))

            try:
                found = inspection.inspect(
                    path, picture, decoders, preset=PRESETS[preset], start=start, seconds=seconds, step=tell
                )
            except ChiffchaffError as error:
                failed += 1
                results.append(f"[bold]{escape(path.name)}[/]: [red]{escape(str(error))}[/]")
            else:
                results.append(_findings(path, found))
            progress.advance(task)
    for result in results:
        console.print(result, highlight=False)
    if failed:
        raise typer.Exit(1)


@models_app.command("list")
def list_models(server: Server = DEFAULT_SERVER) -> None:
    """All models, newest first."""
    table = Table("name", "version", "species", "right first, mean over species (95 % interval)", "active")
    for model in Client(server).get("/models")["items"]:
        metric = model["metrics"].get("macro_top1")
        figure = _interval(metric) if metric else "unknown"
        table.add_row(model["name"], model["version"], str(model["labels"]), figure, "yes" if model["active"] else "")
    console.print(table)


@models_app.command("activate")
def activate_model(
    name: str,
    version: Annotated[int | None, typer.Argument(help="The newest if left out")] = None,
    server: Server = DEFAULT_SERVER,
) -> None:
    """Let a model answer."""
    model = Client(server).put("/models/active", {"name": name, "version": version})["model"]
    console.print(f"{model['name']} version {model['version']} answers now.")


@models_app.command("download")
def download_model(
    name: str,
    version: int,
    folder: Annotated[Path, typer.Argument(file_okay=False, help="Gets model.pt, card.md and the pictures")],
    server: Server = DEFAULT_SERVER,
) -> None:
    """Save a model with its card and pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    client = Client(server)
    client.download(f"/models/{name}/{version}/model", folder / "model.pt")
    for kind, file in {"card": "card.md", "curves": "curves.png", "confusion": "confusion.png"}.items():
        try:
            client.download(f"/models/{name}/{version}/{kind}", folder / file)
        except ChiffchaffError as error:
            console.print(f"  [yellow]{file}[/]: {error}", highlight=False)
    console.print(f"Saved to {folder}.")


@jobs_app.command("list")
def list_jobs(
    state: Annotated[str | None, typer.Option(help="queued, running, succeeded, failed, dead or cancelled")] = None,
    limit: Annotated[int, typer.Option(min=1, max=500)] = 30,
    server: Server = DEFAULT_SERVER,
) -> None:
    """The jobs, newest first."""
    table = Table("id", "kind", "state", "progress", "reason")
    for job in Client(server).get("/jobs", state=state, limit=limit)["items"]:
        fraction = job["progress"]["fraction"]
        table.add_row(
            job["id"],
            job["kind"],
            job["state"],
            "" if fraction is None else f"{fraction:.0%}",
            (job["error"] or {}).get("detail", ""),
        )
    console.print(table)


@jobs_app.command("cancel")
def cancel_job(job_id: str, server: Server = DEFAULT_SERVER) -> None:
    """Cancel a job and all below it."""
    console.print(Client(server).delete(f"/jobs/{job_id}")["state"])


@jobs_app.command("retry")
def retry_jobs(
    job_id: Annotated[str | None, typer.Argument()] = None,
    dead: Annotated[bool, typer.Option("--dead", help="All dead jobs")] = False,
    server: Server = DEFAULT_SERVER,
) -> None:
    """Queue a failed, dead or cancelled job once more."""
    client = Client(server)
    if (job_id is None) == (not dead):
        raise typer.BadParameter("give a job's id, or --dead")
    chosen = [job_id] if job_id else [job["id"] for job in client.get("/jobs", state="dead", limit=500)["items"]]
    for one in chosen:
        client.post(f"/jobs/{one}/retry", None)
    console.print(f"{len(chosen)} queued again.")


def _selection(pairs: list[str]) -> dict[str, list[str]]:
    chosen: dict[str, list[str]] = {}
    for pair in pairs:
        column, separator, value = pair.partition("=")
        if not separator:
            raise typer.BadParameter(f"{pair!r} is not COLUMN=VALUE")
        chosen.setdefault(column, []).append(value)
    return chosen


def _watch(look: Callable[[], Any], step: Callable[[Any], tuple[float | None, str]]) -> Any:
    """Shows how far something is until it has ended; Ctrl-C stops the watching, not the work."""
    with _bar(TaskProgressColumn(), TimeRemainingColumn()) as progress:
        task = progress.add_task("waiting", total=1.0)
        while True:
            seen = look()
            fraction, message = step(seen)
            progress.update(task, completed=fraction or 0.0, description=message or seen["state"])
            if seen["state"] not in ("queued", "running"):
                return seen
            time.sleep(POLL_SECONDS)


def _ingestion_step(ingestion: Any) -> tuple[float | None, str]:
    counts = ingestion["counts"]
    taken = counts["accepted"] + counts["known"] + counts["refused"]
    return ingestion["fraction"], f"{taken} files taken in, {counts['prepared']} prepared"


def _job_step(training: Any) -> tuple[float | None, str]:
    progress = training["job"]["progress"]
    return progress["fraction"], progress["message"]


def _bar(*columns: Any) -> Progress:
    return Progress(TextColumn("{task.description}"), BarColumn(), *columns, console=Console(stderr=True))


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


def _findings(path: Path, found: Inspected) -> Table:
    info = found.report.info
    table = Table(title=escape(path.name), title_justify="left", title_style="bold", show_header=False)
    table.add_row("sound", f"{info.codec}, {info.sample_rate:,} Hz, {_count(info.channels, 'channel')}")
    table.add_row("length", f"{found.report.seconds:,.1f} s")
    kinds: tuple[Kind, Kind] = ("signal", "noise")
    for kind in kinds:
        sections = sum(one.kind == kind for one in found.sections)
        table.add_row(kind, f"{_count(sections, 'section')}, {found.seconds(kind):,.1f} s")
    table.add_row("slices", ", ".join(f"{sum(one.kind == kind for one in found.slices)} {kind}" for kind in kinds))
    for warning in found.report.warnings:
        table.add_row("[yellow]warning[/]", escape(warning))
    table.add_row("picture", escape(str(found.picture)))
    return table


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def _interval(metric: Any) -> str:
    if metric["low"] is None:
        return f"{metric['value']:.2f}"
    return f"{metric['value']:.2f} ({metric['low']:.2f}-{metric['high']:.2f})"


def main() -> None:
    """Runs the command line; an error is one sentence and exit status 1."""
    try:
        app()
    except ChiffchaffError as error:
        Console(stderr=True).print(f"[red]{error.title}.[/] {error}", highlight=False)
        sys.exit(1)


if __name__ == "__main__":
    main()
