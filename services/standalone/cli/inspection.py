"""`chiffchaff inspect`: what the signal chain makes of a file, as a picture and in numbers, without a server."""

import tempfile
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shared.audio.constants import SAMPLE_RATE
from shared.audio.excerpt import span
from shared.audio.report import DecodeReport
from shared.audio.sandbox import DecoderPool
from shared.audio.segmentation import Preset
from shared.audio.slices import Kind, Section, Slice, slice_recording
from shared.audio.wav import open_prepared
from shared.errors import Conflict, InvalidInput

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PNG = b"\x89PNG\r\n\x1a\n"
HEAD_BYTES = 4_096
ELSEWHERE = "Name another place with --output."


@dataclass(frozen=True)
class Inspected:
    """What was found in a recording, all of it, whatever part the picture shows."""

    report: DecodeReport
    sections: Sequence[Section]
    slices: Sequence[Slice]
    picture: Path

    def seconds(self, kind: Kind) -> float:
        return sum(one.end - one.start for one in self.sections if one.kind == kind) / SAMPLE_RATE


def inspect(
    source: Path,
    picture: Path,
    decoders: DecoderPool,
    *,
    preset: Preset,
    start: float,
    seconds: float | None,
    step: Callable[[str], None],
) -> Inspected:
    """Decodes, segments, slices and draws a file. `step` is told what is being done.

    Raises the AudioErrors, InvalidInput where there is nothing to show or to write to, and Conflict where the picture
    would replace a file that is none of ours.
    """
    require_replaceable(picture)
    try:
        with tempfile.TemporaryDirectory(prefix="chiffchaff-") as folder:
            prepared = Path(folder) / "prepared.wav"
            step("decoding")
            report = decoders.decode_to_wav(source, prepared)
            first, end = span(report.samples, start, seconds)
            # Only who inspects waits for matplotlib and scipy.
            from shared.audio.picture import draw
            from shared.audio.segment import segment

            step("finding the signal in")
            samples = open_prepared(prepared)
            sections = segment(samples, preset)
            slices = slice_recording(len(samples), sections)
            step("drawing")
            figure = draw(samples, sections, slices, preset=preset, start=first, end=end, title=source.name)
    except OSError as error:
        raise InvalidInput(
            f"The recording cannot be read or decoded: {error.strerror or error}.",
            hint=f"May one read it, and is there room for its sound in {tempfile.gettempdir()}?",
        ) from error
    _write(figure, picture)
    return Inspected(report, sections, slices, picture)


def targets(files: Sequence[Path], output: Path | None) -> list[Path]:
    """The picture of each file: in the current folder or in `output`, or `output` itself. Raises InvalidInput.

    Files of one name get numbers.
    """
    if output is not None and not output.is_dir():
        if len(files) > 1:
            raise InvalidInput(f"{output} is no folder for {len(files)} pictures.", hint="Let --output be a folder.")
        return [output]
    folder = output or Path()
    chosen: list[Path] = []
    for file in files:
        names = (f"{file.stem}{suffix}.png" for suffix in ("", *(f"-{number}" for number in range(2, len(files) + 1))))
        chosen.append(next(folder / name for name in names if folder / name not in chosen))
    return chosen


def require_replaceable(picture: Path) -> None:
    """Raises Conflict when something stands there that is no picture of ours, InvalidInput when there is no folder."""
    from shared.audio.picture import SOFTWARE

    if not picture.parent.is_dir():
        raise InvalidInput(f"There is no folder {picture.parent} for the picture.", hint=ELSEWHERE)
    if not picture.exists():
        return
    head = b""
    if picture.is_file():
        with picture.open("rb") as file:
            head = file.read(HEAD_BYTES)
    if not (head.startswith(PNG) and b"Software\0" + SOFTWARE.encode() in head):
        raise Conflict(f"{picture} is there already and is no picture of a recording.", hint=ELSEWHERE)


def _write(figure: "Figure", picture: Path) -> None:
    """Whole or not at all."""
    from shared.audio.picture import write_png

    part = picture.with_name(f".{picture.name}.{uuid.uuid4().hex}.part")
    try:
        with part.open("wb") as file:
            write_png(figure, file)
        part.replace(picture)
    except OSError as error:
        raise InvalidInput(f"{picture} cannot be written: {error.strerror or error}.", hint=ELSEWHERE) from error
    finally:
        part.unlink(missing_ok=True)
