"""The command line's side of the REST API."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from shared.errors import ChiffchaffError, InvalidInput

KEY_VARIABLE = "CHIFFCHAFF_API_KEY"
SECONDS = 30.0
LONG_SECONDS = 600.0
"""For what grows with a recording's or the library's size."""
PATIENT_TRIES = 5
"""Where the server says that it is asked too often."""


class ServerError(ChiffchaffError):
    code = "server-error"
    title = "The server refused"


class NoAnswer(ServerError):
    title = "Chiffchaff cannot be reached"


@dataclass(frozen=True)
class Client:
    """Talks to a running Chiffchaff. Every error is one sentence with what would help."""

    url: str

    def get(self, path: str, **parameters: Any) -> Any:
        return self._send("GET", path, params=_given(parameters))

    def post(self, path: str, body: object, *, timeout: float = SECONDS) -> Any:
        return self._send("POST", path, json=body, timeout=timeout)

    def put(self, path: str, body: object) -> Any:
        return self._send("PUT", path, json=body)

    def delete(self, path: str) -> Any:
        return self._send("DELETE", path)

    def upload(self, path: str, content: Iterator[bytes], **parameters: Any) -> Any:
        return self._send("POST", path, content=content, params=parameters, timeout=LONG_SECONDS)

    def text(self, path: str, accept: str, **parameters: Any) -> str:
        query, headers = _given(parameters), {"Accept": accept}
        with self._answer("GET", path, params=query, headers=headers, timeout=LONG_SECONDS) as response:
            response.read()
            return response.text

    def download(self, path: str, target: Path, accept: str = "*/*", **parameters: Any) -> None:
        """Piece by piece into a file, which is whole or not there."""
        part = target.with_name(f"{target.name}.part")
        query, headers = _given(parameters), {"Accept": accept}
        try:
            with (
                self._answer("GET", path, params=query, headers=headers, timeout=LONG_SECONDS) as response,
                part.open("wb") as file,
            ):
                file.writelines(response.iter_bytes())
            part.replace(target)
        except OSError as error:
            raise InvalidInput(f"{target} cannot be written: {error.strerror}.", hint="Is its folder there?") from error
        finally:
            part.unlink(missing_ok=True)

    def _send(self, method: str, path: str, **options: Any) -> Any:
        with self._answer(method, path, **options) as response:
            response.read()
            return response.json()

    @contextmanager
    def _answer(self, method: str, path: str, **options: Any) -> Iterator[httpx.Response]:
        """Raises ServerError where there is none, or none that was hoped for."""
        if key := os.environ.get(KEY_VARIABLE):
            options["headers"] = {"Authorization": f"Bearer {key}", **options.get("headers", {})}
        options.setdefault("timeout", SECONDS)
        tries = 1 if "content" in options else PATIENT_TRIES  # what is read from a file can be sent once
        try:
            while True:
                tries -= 1
                with httpx.stream(method, f"{self.url}{path}", **options) as response:
                    if response.status_code == httpx.codes.TOO_MANY_REQUESTS and tries:
                        time.sleep(float(response.headers.get("retry-after", 1)))
                        continue
                    if not response.is_success:
                        response.read()
                        raise _problem(response)
                    yield response
                    return
        except httpx.TransportError as error:
            raise NoAnswer(
                f"No answer from {self.url}: {error}.", hint="Start Chiffchaff with `make run`, or give --server."
            ) from error


def _given(parameters: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in parameters.items() if value is not None}


def _problem(response: httpx.Response) -> ServerError:
    if response.headers.get("content-type", "").startswith("application/problem+json"):
        problem = response.json()
        return ServerError(problem["detail"], hint=problem.get("hint", ""))
    return ServerError(f"{response.request.url} answered {response.status_code}.")
