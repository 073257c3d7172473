"""Attributions: whom to thank for recordings, and under which licence."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Final, Literal, Unpack

from chiffchaff_client.filters import RecordingFilters
from chiffchaff_client.transport import Transport

Format = Literal["text", "markdown", "csv", "json"]
MEDIA_TYPES: Final[dict[Format, str]] = {
    "text": "text/plain",
    "markdown": "text/markdown",
    "csv": "text/csv",
    "json": "application/json",
}


class Credited(RecordingFilters, total=False):
    """One set of recordings: by the filters, by `ids`, those of a dataset, or those that trained a model."""

    ids: Sequence[str]
    dataset_id: str
    model: str
    version: int | str


class Attributions:
    """`chiffchaff.attributions`"""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def get(self, format: Format = "text", **credited: Unpack[Credited]) -> str:
        """As text that can stand beside a work."""
        return self._transport.text("/attributions", MEDIA_TYPES[format], **credited)

    def save(self, target: str | PathLike[str], format: Format = "text", **credited: Unpack[Credited]) -> Path:
        return self._transport.save("/attributions", target, MEDIA_TYPES[format], **credited)
