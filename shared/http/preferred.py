"""The format that a client asks for in `Accept`."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import Header

Accept = Annotated[str, Header(include_in_schema=False)]


def preferred(accept: str, offered: Sequence[str]) -> str:
    """The one of the offered media types that the client likes best; the first where it does not care (RFC 9110)."""
    wishes = [_wish(part) for part in accept.split(",") if part.strip()]
    return max(offered, key=lambda media_type: (_liking(media_type, wishes), -offered.index(media_type)))


def _wish(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip().lower() for piece in part.split(";"))
    quality = next((one[2:] for one in parameters if one.startswith("q=")), "1")
    try:
        return name, float(quality)
    except ValueError:
        return name, 0.0


def _liking(media_type: str, wishes: Sequence[tuple[str, float]]) -> float:
    """Of the most exact wish that names it."""
    for name in (media_type, f"{media_type.split('/')[0]}/*", "*/*"):
        if likings := [quality for wished, quality in wishes if wished == name]:
            return max(likings)
    return 0.0
