"""The one hierarchy of errors that a person may see.

Every error has a stable `code`, an HTTP `status`, a `title` shared by its kind, a `detail` that says what is wrong this
time, and a `hint` that says what would work. `shared.http.problems` turns them into RFC 9457 problem documents, jobs
store them with the row that failed, and the command line prints them.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class ChiffchaffError(Exception):
    """An error with a reason a person understands. Permanent unless it derives from `TransientError`."""

    code: ClassVar[str] = "internal-error"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong"

    def __init__(self, detail: str, *, hint: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.detail} {self.hint}".strip()

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.detail, self.hint)


def title_of(code: str | None) -> str:
    """Of the kind of error with that code; the code itself where none of that code has been imported."""
    kind = kind_of(code)
    return kind.title if kind.code == code else code or kind.title


def kind_of(code: str | None) -> type[ChiffchaffError]:
    """The error with that code, among those that have been imported; the plain one where there is none."""
    kinds = [ChiffchaffError]
    for kind in kinds:
        if kind.code == code:
            return kind
        kinds.extend(kind.__subclasses__())
    return ChiffchaffError


def reason_of(error: Mapping[str, Any]) -> str:
    """What one of `ValidationError.errors()` says, without the kind of exception that pydantic puts before it."""
    return str(error["msg"]).removeprefix("Value error, ")


def _rebuild(kind: type[ChiffchaffError], detail: str, hint: str) -> ChiffchaffError:
    return kind(detail, hint=hint)


class InvalidInput(ChiffchaffError):
    code = "invalid-input"
    status = 422
    title = "The request cannot be carried out as it stands"


class NotFound(ChiffchaffError):
    code = "not-found"
    status = 404
    title = "There is no such thing here"


class Conflict(ChiffchaffError):
    code = "conflict"
    status = 409
    title = "That does not fit the present state"


class Unauthorized(ChiffchaffError):
    code = "unauthorized"
    status = 401
    title = "An API key is needed"


class Forbidden(ChiffchaffError):
    code = "forbidden"
    status = 403
    title = "This API key may not do that"


class RateLimited(ChiffchaffError):
    """Too many requests from one key or address; the answer carries `Retry-After`."""

    code = "rate-limited"
    status = 429
    title = "Too many requests"


class BodyTooLarge(ChiffchaffError):
    code = "body-too-large"
    status = 413
    title = "The upload is too large"


class BodyTooSlow(ChiffchaffError):
    code = "body-too-slow"
    status = 408
    title = "The upload takes too long"


class Overloaded(ChiffchaffError):
    """The service is at its limit; the answer carries `Retry-After`."""

    code = "overloaded"
    status = 503
    title = "Too much at once"
    retry_after_seconds: ClassVar[int] = 2


class StorageFull(ChiffchaffError):
    code = "storage-full"
    status = 507
    title = "There is no room left"


class NotReady(ChiffchaffError):
    code = "not-ready"
    status = 503
    title = "The service is not ready"


class TransientError(ChiffchaffError):
    """A failure that may pass by itself: a job that meets it is tried again with backoff."""

    code = "temporary-failure"
    status = 503
    title = "A passing failure"


class StorageUnreachable(TransientError):
    code = "storage-unreachable"
    title = "The storage does not answer"


class StorageRefused(ChiffchaffError):
    """The storage is set up in a way that cannot work: trying again does not help."""

    code = "storage-refused"
    title = "The storage cannot be used as it is set up"


class AudioError(ChiffchaffError):
    """The recording itself is the reason."""

    code = "audio-error"
    status = 422
    title = "The recording cannot be used"


class NotAudio(AudioError):
    code = "not-audio"
    status = 415
    title = "This is not a sound recording"


class UnreadableRecording(AudioError):
    code = "unreadable-recording"
    title = "The recording cannot be read"


class EmptyAudio(AudioError):
    code = "empty-audio"
    title = "The recording is empty"


class TooShort(AudioError):
    code = "recording-too-short"
    title = "The recording is too short"


class TooLong(AudioError):
    code = "recording-too-long"
    status = 413
    title = "The recording is too long"


class SilentAudio(AudioError):
    code = "silent-recording"
    title = "The recording is silent"


class UnsupportedAudio(AudioError):
    code = "unsupported-audio"
    title = "The recording's format is outside what is supported"


class CorruptAudio(AudioError):
    code = "corrupt-audio"
    title = "The recording is damaged"


class DecoderCrashed(AudioError):
    code = "decoder-crashed"
    title = "The recording broke the decoder"


class DecodeTimeout(AudioError):
    code = "decode-timeout"
    title = "Decoding took too long"


class ModelFileError(ChiffchaffError):
    code = "bad-model-file"
    status = 422
    title = "The model file cannot be used"
