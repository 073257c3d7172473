"""One recording, from its file to what is said of it: decoded, heard in pieces, dated. No web and no database here."""

import errno
import uuid
from collections.abc import Callable
from pathlib import Path

from services.inference.classifier import Classifier
from services.inference.results.model import FailedRecording, RecordingResult
from services.inference.schemas import Parameters
from shared.audio.recorder_time import Recorded, recorded
from shared.audio.report import DecodeLimits, DecodeReport
from shared.audio.sandbox import DecoderPool
from shared.audio.wav import open_prepared
from shared.errors import ChiffchaffError, StorageFull, UnreadableRecording

DECODING = 0.3
"""The share of the work that decoding is, more or less: for those who wait."""
_FULL = (errno.ENOSPC, errno.EDQUOT)


class HearingCrashed(ChiffchaffError):
    """Not only the decoder: the process that heard it ended, time and again."""

    code = "hearing-crashed"
    title = "Hearing the recording broke down"


Done = Callable[[float], None]
"""Is told which share of a recording is done, 0..1; what it raises ends the work."""


def nobody(share: float) -> None:
    """Where nobody waits to be told."""


class Analyst:
    """Hears recordings with one model and one set of parameters. For one thread at a time.

    Args:
        classifier: the model.
        parameters: of each recording alike.
        decoders: decode in child processes, so that a hostile file harms nobody.
        scratch: gets prepared audio of the recording at hand, 2.6 MB a minute, and is left as it was.
        limits: of a recording. Silent ones are recordings too, whatever the limits say of them.
    """

    def __init__(
        self,
        classifier: Classifier,
        parameters: Parameters,
        decoders: DecoderPool,
        scratch: Path,
        limits: DecodeLimits,
    ) -> None:
        self._classifier = classifier
        self._parameters = parameters
        self._decoders = decoders
        self._scratch = scratch
        self._limits = limits.model_copy(update={"silence_too": True})

    def result(self, path: Path, file: str, done: Done = nobody) -> RecordingResult | FailedRecording:
        """What is heard in the recording at `path`, called `file` in the result; a failure is a result, too.

        Memory does not grow with the recording, but for its detections. Raises StorageFull when there is no room for
        prepared audio.
        """
        try:
            return self._heard(path, file, done)
        except StorageFull:
            raise
        except ChiffchaffError as error:
            return FailedRecording(file=file, code=error.code, error=str(error))

    def _heard(self, path: Path, file: str, done: Done) -> RecordingResult:
        prepared = self._scratch / f"{uuid.uuid4().hex}.wav"
        try:
            made = recorded(path, file)
            report = self._decoders.decode_to_wav(
                path, prepared, self._limits, told=lambda share: done(DECODING * (share or 0.0))
            )
            done(DECODING)
            if report.silent:
                return self._result(file, report, made, report.said_of_silence)
            return self._listened(prepared, self._result(file, report, made), done)
        except OSError as error:
            raise _refused(error) from error
        finally:
            prepared.unlink(missing_ok=True)

    def _result(self, file: str, report: DecodeReport, made: Recorded, *warnings: str) -> RecordingResult:
        latitude, longitude = made.position or (self._parameters.latitude, self._parameters.longitude)
        return RecordingResult(
            file=file,
            seconds=round(report.seconds, 3),
            sample_rate=report.info.sample_rate,
            channels=report.info.channels,
            warnings=(*warnings, *report.warnings),
            recorded_at=made.at,
            recorded_at_from=made.source,
            latitude=latitude,
            longitude=longitude,
            outcome="nothing",
        )

    def _listened(self, prepared: Path, result: RecordingResult, done: Done) -> RecordingResult:
        samples = open_prepared(prepared)
        heard = self._classifier.classify(
            samples, self._parameters, told=lambda share: done(DECODING + (1 - DECODING) * (share or 0.0))
        )
        said = {"outcome": heard.outcome, "ranking": tuple(heard.ranking), "detections": tuple(heard.detections)}
        return result.model_copy(update=said)


def _refused(error: OSError) -> ChiffchaffError:
    reason = error.strerror or type(error).__name__
    if error.errno in _FULL:
        return StorageFull(
            f"There is no room for prepared audio: {reason}.",
            hint="It takes 160 MB for an hour of sound, until that is heard.",
        )
    return UnreadableRecording(f"The file cannot be read: {reason}.", hint="Copy it to a sound disk, or allow it.")
