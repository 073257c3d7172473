"""Requests and their answers over one pool of connections. Any number of threads may share it."""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from os import PathLike, fsync
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import TypeAdapter, ValidationError

from chiffchaff_client.answers import Page
from chiffchaff_client.bodies import Body, Json
from chiffchaff_client.errors import ChiffchaffError, NoAnswer, NotSaved, Problem, UnexpectedAnswer
from chiffchaff_client.patience import pause_after, retry_after
from chiffchaff_client.version import VERSION

LONG_SECONDS = 600.0
"""For an answer that takes longer the longer a recording or the larger the library is."""
KEEP_ALIVE_SECONDS = 2.0
"""Less than servers keep an idle connection: what they close at that very moment would be lost."""
PAGE = 100
PROBLEM = "application/problem+json"
NO_BODY = Json()

Kind = TypeVar("Kind")


@dataclass(frozen=True)
class Call:
    """One request, which may be sent more than once."""

    method: str
    path: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    body: Body = NO_BODY
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float | None = None
    """For each step of it, such as the wait for the next piece of the answer; None: the client's own."""
    repeatable: bool = False
    """Whether sending it twice does no more than sending it once."""


class Transport:
    """Sends, repeats what may be repeated, and turns everything that is no success into an error."""

    def __init__(self, url: str, key: str | None, *, seconds: float, patience: float) -> None:
        headers = {"User-Agent": f"chiffchaff-client/{VERSION}"}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        self.url = url.rstrip("/")
        self.patience = patience
        try:
            self._http = httpx.Client(
                base_url=self.url,
                headers=headers,
                timeout=seconds,
                limits=httpx.Limits(keepalive_expiry=KEEP_ALIVE_SECONDS),
            )
        except httpx.InvalidURL as error:
            raise NoAnswer(f"{url} is no address: {error}.", hint="Such as http://127.0.0.1:8000.") from error

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, kind: type[Kind], /, **parameters: Any) -> Kind:
        return self.read(Call("GET", path, parameters, repeatable=True), kind)

    def put(self, path: str, kind: type[Kind], value: object) -> Kind:
        return self.read(Call("PUT", path, body=Json(value), seconds=LONG_SECONDS, repeatable=True), kind)

    def delete(self, path: str, kind: type[Kind]) -> Kind:
        return self.read(Call("DELETE", path, repeatable=True), kind)

    def post(self, path: str, kind: type[Kind], value: object = None) -> Kind:
        """For what would be done twice if it were sent twice."""
        return self.read(Call("POST", path, body=Json(value)), kind)

    def make(self, path: str, kind: type[Kind], body: Body, /, **parameters: Any) -> Kind:
        """For what is accepted once however often it is sent, by its `Idempotency-Key`."""
        key = {"Idempotency-Key": uuid.uuid4().hex}
        call = Call("POST", path, parameters, body, headers=key, seconds=LONG_SECONDS, repeatable=True)
        return self.read(call, kind)

    def pages(self, path: str, kind: type[Kind], limit: int | None, /, **parameters: Any) -> Iterator[Kind]:
        """A list item by item; each page is asked for when the one before is used up."""
        cursor, left = None, limit
        while left is None or left > 0:
            size = PAGE if left is None else min(PAGE, left)
            page = self.get(path, Page[kind], **parameters, limit=size, cursor=cursor)  # type: ignore[valid-type]
            yield from page.items
            left = None if left is None else left - len(page.items)
            if (cursor := page.next) is None:
                return

    def read(self, call: Call, kind: type[Kind]) -> Kind:
        def parsed(response: httpx.Response) -> Kind:
            try:
                return TypeAdapter(kind).validate_json(response.read())
            except ValidationError as error:
                raise _unreadable(response, "is not what this client expects") from error

        return self.send(call, parsed)

    def text(self, path: str, accept: str, /, **parameters: Any) -> str:
        def text(response: httpx.Response) -> str:
            response.read()
            return response.text

        return self.send(_file_call(path, accept, parameters), text)

    def save(self, path: str, target: str | PathLike[str], accept: str = "*/*", /, **parameters: Any) -> Path:
        """Piece by piece into a file, which is whole or not there.

        Raises:
            NotSaved: where it cannot be written.
        """
        file = Path(target)
        part = file.with_name(f"{file.name}.part")

        def write(response: httpx.Response) -> None:
            with part.open("wb") as stream:
                stream.writelines(response.iter_bytes())
                stream.flush()
                fsync(stream.fileno())
            part.replace(file)

        try:
            self.send(_file_call(path, accept, parameters), write)
        except OSError as error:
            raise NotSaved(f"{file} cannot be written: {error.strerror}.", hint="Is its folder there?") from error
        finally:
            part.unlink(missing_ok=True)
        return file

    def send(self, call: Call, use: Callable[[httpx.Response], Kind]) -> Kind:
        """What `use` makes of a successful answer; it is called anew where the answer broke off and is asked for again.

        Raises:
            NoAnswer: where there is none.
            Problem, UnexpectedAnswer: where it is no success.
        """
        tries, waited = 0, 0.0
        while True:
            tries += 1
            try:
                return self._once(call, use)
            except ChiffchaffError as error:
                pause = pause_after(error, tries, repeatable=call.repeatable) if call.body.can_be_sent_again else None
                if pause is None or waited + pause > self.patience:
                    raise
            waited += pause
            time.sleep(pause)

    def lines(self, call: Call) -> Iterator[bytes]:
        """The answer as it comes, line by line; it is asked for once."""
        try:
            with self._http.stream(call.method, call.path, headers=call.headers, timeout=call.seconds) as response:
                _require_success(response)
                yield from _lines(response)
        except httpx.RequestError as error:
            raise self._no_answer(error) from error

    def _once(self, call: Call, use: Callable[[httpx.Response], Kind]) -> Kind:
        with call.body.opened() as options:
            headers = {**options.pop("headers", {}), **call.headers}
            if call.seconds is not None:
                options["timeout"] = call.seconds
            try:
                with self._http.stream(
                    call.method, call.path, params=_query(call.parameters), headers=headers, **options
                ) as response:
                    _require_success(response)
                    return use(response)
            except httpx.RequestError as error:
                raise self._no_answer(error) from error

    def _no_answer(self, error: httpx.RequestError) -> NoAnswer:
        lost = isinstance(error, httpx.NetworkError | httpx.RemoteProtocolError)
        return NoAnswer(
            f"No answer from {self.url}: {error}.",
            hint="Is Chiffchaff running there? `make run` starts it.",
            may_pass=lost and not isinstance(error, httpx.ConnectError),
        )


def at(*parts: str) -> str:
    """A path of names and ids, whatever characters they hold."""
    return "".join(f"/{quote(part, safe='')}" for part in parts)


def _file_call(path: str, accept: str, parameters: Mapping[str, Any]) -> Call:
    return Call("GET", path, parameters, headers={"Accept": accept}, seconds=LONG_SECONDS, repeatable=True)


def _query(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Without what was left out; days as ISO 8601 writes them."""
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in parameters.items()
        if value is not None
    }


def _require_success(response: httpx.Response) -> None:
    """Raises what the answer says, unless it is a success that Chiffchaff may have given."""
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if response.is_success and kind != "text/html":
        return
    response.read()
    if kind != PROBLEM:
        raise _unreadable(response, f"answers {response.status_code} {response.reason_phrase} as {kind or 'nothing'}")
    raise _problem(response)


def _problem(response: httpx.Response) -> Problem | UnexpectedAnswer:
    try:
        said = response.json()
        return Problem.kinds.get(response.status_code, Problem)(
            said["detail"],
            status=response.status_code,
            code=said["code"],
            title=said["title"],
            hint=said.get("hint", ""),
            request_id=said.get("request_id"),
            retry_after=retry_after(response),
        )
    except (ValueError, KeyError, TypeError):
        return _unreadable(response, "holds a problem that cannot be read")


def _unreadable(response: httpx.Response, what: str) -> UnexpectedAnswer:
    if response.is_redirect:
        hint = f"It sends elsewhere: give {response.headers.get('location', '')} as the address, if you trust it."
    else:
        hint = "Is that Chiffchaff's address, and of the same version? A proxy on the way may answer in its place."
    return UnexpectedAnswer(
        f"{response.request.url} {what}.", status=response.status_code, hint=hint, retry_after=retry_after(response)
    )


def _lines(response: httpx.Response) -> Iterator[bytes]:
    waiting = b""
    for piece in response.iter_bytes():
        *whole, waiting = (waiting + piece).split(b"\n")
        yield from (line.removesuffix(b"\r") for line in whole)
