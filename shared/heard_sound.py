"""Where the sound of a recording of an analysis is: in the storage, or on the server's own disk, which is only read."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from shared.db.tables import AnalysisRecording
from shared.errors import ChiffchaffError, NotFound
from shared.settings import Settings
from shared.storage import Storage


class SoundGone(ChiffchaffError):
    """Between listing and reading it was removed, or its path leads elsewhere now."""

    code = "sound-gone"
    status = 404
    title = "The recording is not there any more"


@contextmanager
def sound_of(row: AnalysisRecording, storage: Storage, settings: Settings) -> Iterator[Path]:
    """A file to be read until the block ends. Raises SoundGone."""
    if row.storage_key is None:
        yield _on_disk(row, settings)
        return
    with ExitStack() as stack:
        try:
            path = stack.enter_context(storage.reading(row.storage_key))
        except NotFound as error:
            raise _gone_from_storage(row) from error
        yield path


def sound_at(row: AnalysisRecording, storage: Storage, settings: Settings) -> Path:
    """The same for who opens it at once. Raises SoundGone."""
    if row.storage_key is None:
        return _on_disk(row, settings)
    try:
        return storage.existing(row.storage_key)
    except NotFound as error:
        raise _gone_from_storage(row) from error


def _on_disk(row: AnalysisRecording, settings: Settings) -> Path:
    """The file in full, links followed: they may have changed since it was listed."""
    if row.path is None:
        raise SoundGone(f"{row.file} could not be read when its folder was looked through.", hint=row.error or "")
    path = Path(os.fsdecode(row.path)).resolve()
    if settings.library_dir is not None and not path.is_relative_to(settings.library_dir.resolve()):
        raise SoundGone(f"{row.file} lies outside of the library directory now.", hint="Is it a link that changed?")
    if not path.is_file():
        raise SoundGone(f"{row.file} is not in its folder any more.", hint="Is the disk with the recordings there?")
    return path


def _gone_from_storage(row: AnalysisRecording) -> SoundGone:
    return SoundGone(f"The storage has no file of {row.file} any more.", hint="Was it deleted by hand?")
