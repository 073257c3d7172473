"""One file of Xeno-canto, whole: a download that was cut goes on where it ended, also in another process."""

import fcntl
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

from services.ingest.xeno_canto.client import NAME, Client
from services.ingest.xeno_canto.errors import (
    DownloadFailed,
    DownloadForbidden,
    DownloadRefused,
    Trouble,
    XenoCantoUnavailable,
)
from shared.worker import Postponed

BUSY_SECONDS = 5.0
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


@dataclass(frozen=True)
class Version:
    """Which version of a file the part is of, as `If-Range` wants it, and how long the whole is, if that was said."""

    validator: str = ""
    total: int | None = None


def download(client: Client, address: str, part: Path) -> None:
    """Brings the whole file to `part`, and goes on with what is there of it.

    Raises:
        DownloadRefused: when the server does not give it (DownloadForbidden: to us), or it is too large or too slow.
        AddressRefused: when it lies, or leads, where nobody is to be asked.
        DownloadFailed: when it did not come after several tries.
        Postponed: when another process is downloading the same.
    """
    part.parent.mkdir(parents=True, exist_ok=True)
    give_up = time.monotonic() + client.settings.xeno_canto_max_file_seconds
    with _alone(part):
        try:
            client.persist(lambda: _go_on(client, client.absolute(address), part, give_up))
        except XenoCantoUnavailable as error:
            raise DownloadFailed(error.detail) from error


def discard(part: Path) -> None:
    part.unlink(missing_ok=True)
    _note_of(part).unlink(missing_ok=True)


def _go_on(client: Client, address: str, part: Path, give_up: float) -> None:
    version = _version(part)
    there = part.stat().st_size if version.validator or version.total is not None else 0
    if there and there == version.total:
        return
    if time.monotonic() > give_up:
        raise _too_slow(client)
    headers = {"Accept-Encoding": "identity"}
    if there and version.validator:
        headers |= {"Range": f"bytes={there}-", "If-Range": version.validator}
    with client.get(address, headers=headers) as response:
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            os.truncate(part, 0)
            raise Trouble("has another version of the file now")
        at = _begins_at(response, there)
        _receive(client, response, part, at, give_up)


def _begins_at(response: httpx.Response, there: int) -> int:
    """Where in the file the answer's body belongs. Raises DownloadRefused when there is none."""
    if response.headers.get("content-encoding", "identity") != "identity":
        raise DownloadRefused(f"{NAME} sent the file packed in a way that was not asked for.")
    if response.status_code == httpx.codes.OK:
        return 0
    if response.status_code == httpx.codes.PARTIAL_CONTENT:
        found = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
        if not found or int(found[1]) != there:
            raise DownloadRefused(f"{NAME} sent another part of the file than was asked for.")
        return there
    kind = DownloadForbidden if response.status_code in (401, 403) else DownloadRefused
    raise kind(f"{NAME} answered {response.status_code} for the file.", hint="It may be taken out, or kept back.")


def _receive(client: Client, response: httpx.Response, part: Path, at: int, give_up: float) -> None:
    most = client.settings.xeno_canto_max_file_mb << 20
    if at + int(response.headers.get("content-length") or 0) > most:
        raise _too_large(client)
    size = at
    with part.open("r+b") as file:
        file.truncate(at)
        _note(part, _version_of(response, at))
        file.seek(at)
        try:
            for block in response.iter_raw():
                client.context.check()
                size += len(block)
                if size > most:
                    raise _too_large(client)
                file.write(block)
                if time.monotonic() > give_up:
                    raise _too_slow(client)
        except httpx.TransportError as error:
            raise Trouble("broke off in the middle of a file", progressed=size > at) from error


def _version_of(response: httpx.Response, at: int) -> Version:
    etag = response.headers.get("etag", "")
    strong = etag if etag and not etag.startswith("W/") else ""  # a weak one must not stand in If-Range (RFC 9110)
    length = response.headers.get("content-length")
    return Version(
        validator=strong or response.headers.get("last-modified", ""),
        total=at + int(length) if length and length.isdigit() else None,
    )


@contextmanager
def _alone(part: Path) -> Iterator[None]:
    """Keeps out whoever lost the job to this process and does not know it yet."""
    with part.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Postponed(f"Another process is downloading {part.stem}.", seconds=BUSY_SECONDS) from error
        yield


def _note_of(part: Path) -> Path:
    return part.with_suffix(".json")


def _note(part: Path, version: Version) -> None:
    _note_of(part).write_text(json.dumps(asdict(version)), encoding="utf-8")


def _version(part: Path) -> Version:
    """Nothing is known of a part whose note is missing or was cut: it begins anew."""
    try:
        return Version(**json.loads(_note_of(part).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return Version()


def _too_large(client: Client) -> DownloadRefused:
    return DownloadRefused(
        f"The file is larger than {client.settings.xeno_canto_max_file_mb} MB.",
        hint="The operator sets the limit with CHIFFCHAFF_XENO_CANTO_MAX_FILE_MB.",
    )


def _too_slow(client: Client) -> DownloadRefused:
    return DownloadRefused(
        f"The download took longer than {client.settings.xeno_canto_max_file_seconds:g} s.",
        hint="The operator sets the limit with CHIFFCHAFF_XENO_CANTO_MAX_FILE_SECONDS.",
    )
