"""The command line's side of the REST API."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from shared.errors import ChiffchaffError


class ServerError(ChiffchaffError):
    code = "server-error"
    title = "The server refused"


@dataclass(frozen=True)
class Client:
    """Talks to a running Chiffchaff. Every error is one sentence with what would help."""

    url: str

    def get(self, path: str, **parameters: Any) -> Any:
        return self._send("GET", path, params={key: value for key, value in parameters.items() if value is not None})

    def post(self, path: str, body: object) -> Any:
        return self._send("POST", path, json=body)

    def put(self, path: str, body: object) -> Any:
        return self._send("PUT", path, json=body)

    def delete(self, path: str) -> Any:
        return self._send("DELETE", path)

    def upload(self, path: str, content: Iterator[bytes], **parameters: Any) -> Any:
        return self._send("POST", path, content=content, params=parameters, timeout=600.0)

    def download(self, path: str, target: Path) -> None:
        part = target.with_name(f"{target.name}.part")
        part.write_bytes(self._request("GET", path, timeout=600.0).content)
        part.replace(target)

    def _send(self, method: str, path: str, **options: Any) -> Any:
        return self._request(method, path, **options).json()

    def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        key = os.environ.get("CHIFFCHAFF_API_KEY")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        options.setdefault("timeout", 30.0)
        try:
            response = httpx.request(method, f"{self.url}{path}", headers=headers, **options)
        except httpx.TransportError as error:
            raise ServerError(
                f"No answer from {self.url}: {error}.", hint="Start Chiffchaff with `make run`, or give --server."
            ) from error
        if response.is_success:
            return response
        raise _problem(response)


def _problem(response: httpx.Response) -> ServerError:
    if response.headers.get("content-type", "").startswith("application/problem+json"):
        problem = response.json()
        return ServerError(problem["detail"], hint=problem.get("hint", ""))
    return ServerError(f"{response.request.url} answered {response.status_code}.")
