"""Prepared audio is derived from the originals: whoever needs it and finds it gone makes it anew."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sqlalchemy import select

from shared.audio.report import DecodeLimits, DecodeReport, Told, require_sound
from shared.audio.sandbox import DecoderPool
from shared.db.engine import SyncSessions, sync_engine, sync_sessions
from shared.db.tables import Recording
from shared.errors import NotFound
from shared.log import get_logger
from shared.settings import Settings
from shared.storage import Storage, content_key, sha256_in, storage_from

logger = get_logger(__name__)


@cache
def decoder() -> DecoderPool:
    """This process's own decoder child; made when first needed, so after any fork."""
    return DecoderPool(1)


def prepared_key_of(sha256: str) -> str:
    """Where the prepared audio of an original belongs."""
    return content_key("prepared", sha256, ".wav")


def decode_original(
    storage: Storage, settings: Settings, original_key: str, prepared_key: str, told: Told | None = None
) -> DecodeReport:
    """Decodes an original into the storage; the same original gives the same bytes.

    Args:
        told: called several times a second with how far it is; what it raises ends the decoding.

    Raises:
        NotFound: when the original is gone.
        AudioError: when it cannot be used.
    """
    limits = DecodeLimits(
        max_seconds=settings.recording_max_seconds,
        memory_mb=settings.decode_memory_mb,
        wall_seconds=settings.recording_wall_seconds,
    )
    with storage.reading(original_key) as original, storage.writing(prepared_key) as part:
        report = decoder().decode_to_wav(original, part, limits, told=told)
        require_sound(report)
    return report


def prepared_audio(storage: Storage, settings: Settings, original_key: str, prepared_key: str) -> Path:
    """The prepared WAV of a recording, decoded anew where it was pruned. Raises as `decode_original`."""
    try:
        return storage.existing(prepared_key)
    except NotFound:
        logger.info("prepared audio is made anew", key=prepared_key)
        decode_original(storage, settings, original_key, prepared_key)
        return storage.existing(prepared_key)


@dataclass(frozen=True)
class PreparedAudio:
    """Prepared WAVs for who knows no more of them than their keys: a frozen dataset."""

    storage: Storage
    settings: Settings
    sessions: SyncSessions

    def __reduce__(self) -> tuple[object, ...]:
        """Another process makes its own connections."""
        return _opened, (self.settings,)

    def path(self, key: str) -> Path:
        """As `prepared_audio`; NotFound as well when the library has no such recording."""
        try:
            return self.storage.existing(key)
        except NotFound:
            with self.sessions() as session:
                original = session.scalar(select(Recording.original_key).where(Recording.sha256 == sha256_in(key)))
            if original is None:
                raise
        return prepared_audio(self.storage, self.settings, original, key)


def _opened(settings: Settings) -> PreparedAudio:
    return PreparedAudio(storage_from(settings), settings, sync_sessions(sync_engine(settings)))
