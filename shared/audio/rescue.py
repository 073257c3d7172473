"""What libsndfile leaves unread: behind damage, behind a header that names too small a length, in joined files."""

from collections.abc import Iterator
from pathlib import Path

from shared.audio.formats import Container
from shared.audio.readers import Block, FfmpegReader, SoundfileReader, Unreadable
from shared.audio.truncation import goes_on
from shared.errors import NotAudio


class RescuingReader:
    """libsndfile's reading of a file and, where that ends before the file does, FFmpeg's reading of the rest.

    The rest follows without a gap: what is lost between the two makes it come earlier than it was.
    """

    def __init__(self, path: Path, container: Container) -> None:
        self.damage = ""
        self._path, self._container = path, container
        self._reader = SoundfileReader(path, container)
        self.info = self._reader.info

    def blocks(self) -> Iterator[Block]:
        """Blocks of (frames, channels), -1..1; `damage` says in plain words when something was wrong."""
        given = 0
        for block in self._reader.blocks():
            given += len(block)
            yield block
        self.damage = self._reader.damage
        if given and (self.damage or goes_on(self._container, self._reader.behind())):
            yield from self._rest(given)

    def _rest(self, given: int) -> Iterator[Block]:
        try:
            other = FfmpegReader(self._path, self._container, to_the_end=self._container.demuxer == "wav")
        except (Unreadable, NotAudio):
            return
        try:
            if other.info.sample_rate != self.info.sample_rate:
                return
            before = given
            for block in other.blocks():
                new = block[max(0, before) :]
                before -= len(block)
                if len(new):
                    yield new
            if before < 0:
                wrong_end = "The file goes on where its header says it ends"
                self.damage = other.damage or ("Parts of the file are damaged" if self.damage else wrong_end)
            self.damage = self.damage or other.damage
        finally:
            other.close()

    def close(self) -> None:
        self._reader.close()
