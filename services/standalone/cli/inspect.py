"""`chiffchaff inspect`: a picture of what the signal chain finds."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.progress import MofNCompleteColumn, SpinnerColumn, TimeElapsedColumn
from rich.table import Table

from services.standalone.cli import inspection
from services.standalone.cli.console import bar, console, count
from services.standalone.cli.inspection import Inspected, targets
from shared.audio.sandbox import DecoderPool
from shared.audio.segmentation import DEFAULT, PRESETS
from shared.audio.slices import Kind
from shared.errors import ChiffchaffError


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
    with DecoderPool() as decoders, bar(MofNCompleteColumn(), SpinnerColumn(), TimeElapsedColumn()) as progress:
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


def _findings(path: Path, found: Inspected) -> Table:
    info = found.report.info
    table = Table(title=escape(path.name), title_justify="left", title_style="bold", show_header=False)
    table.add_row("sound", f"{info.codec}, {info.sample_rate:,} Hz, {count(info.channels, 'channel')}")
    table.add_row("length", f"{found.report.seconds:,.1f} s")
    kinds: tuple[Kind, Kind] = ("signal", "noise")
    for kind in kinds:
        sections = sum(one.kind == kind for one in found.sections)
        table.add_row(kind, f"{count(sections, 'section')}, {found.seconds(kind):,.1f} s")
    table.add_row("slices", ", ".join(f"{sum(one.kind == kind for one in found.slices)} {kind}" for kind in kinds))
    for warning in found.report.warnings:
        table.add_row("[yellow]warning[/]", escape(warning))
    table.add_row("picture", escape(str(found.picture)))
    return table
