"""`chiffchaff analyze`: a season of recordings, heard on this machine without a server."""

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from services.standalone.cli.analysis_shown import Bar, show
from services.standalone.cli.console import console, count
from shared.errors import ChiffchaffError, InvalidInput, StorageFull
from shared.settings import Settings

if TYPE_CHECKING:
    from services.standalone.analysing.asked import ChosenModel

NOTHING_TO_HEAR, SOME_FAILED, STOPPED = 2, 1, 130
_MISSING_SHOWN = 5
notes = Console(stderr=True)


class SnippetKind(StrEnum):
    wav = "wav"
    flac = "flac"


def analyze(
    paths: Annotated[list[Path], typer.Argument(help="Recordings, and folders of them at any depth")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", file_okay=False)] = Path(
        "chiffchaff-results"
    ),
    formats: Annotated[
        list[str] | None,
        typer.Option("--format", "-f", help="Repeatable; docs/result-formats.md lists them", show_default="csv"),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE.pt",
            help="Instead of the one that comes with the software. A model file is a program (TorchScript): load "
            "only files that you, or people you trust, have made",
        ),
    ] = None,
    min_confidence: Annotated[float | None, typer.Option(min=0, max=1)] = None,
    threshold: Annotated[
        list[str] | None, typer.Option(help="Least confidence for one species: 'Turdus merula:0.4'; repeatable")
    ] = None,
    species: Annotated[list[str] | None, typer.Option(help="Name only these; repeatable")] = None,
    species_file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Name only those in a text file, one a line")
    ] = None,
    step: Annotated[float | None, typer.Option(help="Seconds from one window to the next")] = None,
    merge: Annotated[
        float, typer.Option(min=0, max=60, help="Join detections of one species so many seconds apart at most")
    ] = 0.0,
    windows: Annotated[bool, typer.Option("--windows", help="Join none: each window stands for itself")] = False,
    top: Annotated[int, typer.Option(min=1, help="Species that each window names at most")] = 5,
    latitude: Annotated[
        float | None, typer.Option(help="Degrees north, for recordings whose recorder does not say where it was")
    ] = None,
    longitude: Annotated[float | None, typer.Option(help="Degrees east")] = None,
    snippets: Annotated[
        SnippetKind | None, typer.Option(help="Cut what is detected out of the recordings, into DIR/snippets")
    ] = None,
    padding: Annotated[float, typer.Option(min=0, max=30, help="Seconds before and after each snippet")] = 0.0,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Processes that hear", show_default="one per core")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="Hear all anew, also what was heard before")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but what is wrong")] = False,
) -> None:
    """Say who sings in a season of recordings. No server is asked; what was done is kept, and the same command goes on.

    Exit status: 0 when all recordings were heard, 1 when some could not be, 2 when there are none, 130 after Ctrl-C.
    """
    # Here, so that other commands do not wait for it.
    from services.inference.results.formats import FORMATS
    from services.standalone.analysing.asked import choose_model, choose_parameters
    from services.standalone.analysing.kept import Folder
    from services.standalone.analysing.recordings import search
    from services.standalone.analysing.run import Listener, Order, analyse

    wanted = list(dict.fromkeys(formats or ["csv"]))
    if unknown := [name for name in wanted if name not in FORMATS]:
        raise InvalidInput(f"There is no format {unknown[0]}.", hint=f"There are {', '.join(FORMATS)}.")
    settings = Settings()
    chosen = choose_model(settings, model)
    parameters, missing = choose_parameters(
        chosen.manifest,
        species_file,
        {
            "top_k": top,
            "min_confidence": min_confidence,
            "threshold": threshold,
            "species": species,
            "step": step,
            "merge": None if windows else merge,
            "latitude": latitude,
            "longitude": longitude,
        },
    )
    found = search(paths)
    if not found.recordings:
        notes.print(_nothing(found.skipped), highlight=False)
        raise typer.Exit(NOTHING_TO_HEAR)
    order = Order(
        model=chosen,
        parameters=parameters,
        formats=wanted,
        snippets=snippets.value if snippets else None,
        padding=padding,
        jobs=jobs or settings.cores,
        again=again,
    )
    if not quiet:
        _say_first(chosen, missing)
    bar = Bar(len(found.recordings))
    listener = Listener(bar.begin, bar.told, bar.heard)
    try:
        with _stoppable(), nullcontext() if quiet else bar.shown():
            summary = analyse(found, order, Folder(output), settings, listener)
    except KeyboardInterrupt:
        _stopped(bar, output)
    except StorageFull as error:
        raise _full(error, bar, output) from error
    if not quiet:
        show(summary, found, output)
    if summary.failed or any(one.outcome == "refused" for one in found.left_out):
        raise typer.Exit(SOME_FAILED)


def _say_first(chosen: "ChosenModel", missing: Sequence[str]) -> None:
    manifest = chosen.manifest
    console.print(
        f"Model {escape(manifest.name)} {escape(manifest.version)}: {len(manifest.labels)} species.", highlight=False
    )
    if not chosen.shipped:
        notes.print(
            f"{escape(str(chosen.path))} is a program (TorchScript), and it is run now. Load only files that you, or "
            "people you trust, have made.",
            highlight=False,
        )
    if missing:
        first = ", ".join(missing[:_MISSING_SHOWN]) + (" ..." if len(missing) > _MISSING_SHOWN else "")
        notes.print(
            f"{count(len(missing), 'line')} of the species file name no species of the model: {escape(first)}",
            highlight=False,
        )


def _nothing(skipped: int) -> str:
    return (
        f"There is nothing to hear: {count(skipped, 'file')}, and no recording among them."
        if skipped
        else ("There is nothing to hear: no file but hidden ones.")
    )


def _stopped(bar: Bar, output: Path) -> NoReturn:
    notes.print(
        f"Stopped. {bar.done:,} of {count(bar.recordings, 'recording')} are done and kept in {escape(str(output))}: "
        "the same command goes on from there.",
        highlight=False,
    )
    raise typer.Exit(STOPPED)


def _full(error: StorageFull, bar: Bar, output: Path) -> ChiffchaffError:
    return StorageFull(
        f"{error.detail} {bar.done:,} of {count(bar.recordings, 'recording')} are done: what was heard stays "
        f"in {output / '.chiffchaff'}, prepared audio is removed, and no file is half written.",
        hint=f"{error.hint} Make room, then give the same command again; fewer --jobs need less of it.".strip(),
    )


@contextmanager
def _stoppable() -> Iterator[None]:
    """SIGTERM ends an analysis as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> Any:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
