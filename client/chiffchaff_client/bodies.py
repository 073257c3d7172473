"""What a request carries. Files are read while they are sent, and opened anew where they are sent again."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from pydantic_core import to_json

Sound = str | os.PathLike[str] | bytes | BinaryIO
"""A recording: the path of a file, its content, or a file opened for reading bytes."""
Options = dict[str, Any]
"""As `httpx.Client.stream` takes them."""


class Body(Protocol):
    @property
    def can_be_sent_again(self) -> bool: ...

    def opened(self) -> AbstractContextManager[Options]:
        """The options of one request."""


class Json:
    """A value as JSON, days as ISO 8601 writes them; None is no body."""

    can_be_sent_again = True

    def __init__(self, value: object = None) -> None:
        self._value = value

    @contextmanager
    def opened(self) -> Iterator[Options]:
        if self._value is None:
            yield {}
        else:
            yield {"content": to_json(self._value), "headers": {"Content-Type": "application/json"}}


class Raw:
    """A recording that is the body itself."""

    def __init__(self, sound: Sound) -> None:
        self._content = _Content(sound)

    @property
    def can_be_sent_again(self) -> bool:
        return self._content.can_be_read_again

    @contextmanager
    def opened(self) -> Iterator[Options]:
        with self._content.opened() as content:
            yield {"content": content, "headers": {"Content-Type": "application/octet-stream"}}


class Form:
    """Text fields, and files by the names of their fields, as multipart/form-data."""

    def __init__(self, files: Iterable[tuple[str, str, Sound]], fields: Mapping[str, str]) -> None:
        """`files` are fields, file names and sounds; a field may come several times."""
        self._files = [(field, name, _Content(sound)) for field, name, sound in files]
        self._fields = fields

    @property
    def can_be_sent_again(self) -> bool:
        return all(content.can_be_read_again for _, _, content in self._files)

    @contextmanager
    def opened(self) -> Iterator[Options]:
        with ExitStack() as stack:
            files = [(field, (name, stack.enter_context(content.opened()))) for field, name, content in self._files]
            yield {"files": files, "data": self._fields}


def name_of(sound: Sound, otherwise: str) -> str:
    """Of the file, without its folders; `otherwise` where there is none."""
    if isinstance(sound, bytes):
        return otherwise
    if isinstance(sound, str | os.PathLike):
        return Path(sound).name
    name = getattr(sound, "name", None)
    return Path(name).name if isinstance(name, str) else otherwise


class _Content:
    """The bytes of a recording; a file that was given open is read from its beginning, or as it comes from a pipe."""

    def __init__(self, sound: Sound) -> None:
        self._sound = sound
        self.can_be_read_again = isinstance(sound, str | os.PathLike | bytes) or sound.seekable()

    @contextmanager
    def opened(self) -> Iterator[bytes | BinaryIO]:
        if isinstance(self._sound, bytes):
            yield self._sound
        elif isinstance(self._sound, str | os.PathLike):
            with Path(self._sound).open("rb") as file:
                yield file
        else:
            if self.can_be_read_again:
                self._sound.seek(0)
            yield self._sound
