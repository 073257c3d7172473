"""The command line's side of the REST API."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from shared.errors import ChiffchaffError, InvalidInput


class ServerError(ChiffchaffError):
    code = "server-error"
    title = "The server refused"


@dataclass(frozen=True)
class Client:
    """Talks to a running Chiffchaff. Every error is one sentence with what would help."""

    url: str

    def get(self, path: str, **parameters: Any) -> Any:
        return self._send("GET", path, params=_given(parameters))

    def post(self, path: str, body: object) -> Any:
        return self._send("POST", path, json=body)

    def put(self, path: str, body: object) -> Any:
        return self._send("PUT", path, json=body)

    def delete(self, path: str) -> Any:
        return self._send("DELETE", path)

    def upload(self, path: str, content: Iterator[bytes], **parameters: Any) -> Any:
        return self._send("POST", path, content=content, params=parameters, timeout=600.0)

    def text(self, path: str, accept: str, **parameters: Any) -> str:
        headers = {"Accept": accept}
        return self._request("GET", path, params=_given(parameters), headers=headers, timeout=600.0).text

    def download(self, path: str, target: Path, accept: str = "*/*", **parameters: Any) -> None:
        """Piece by piece into a file, which is whole or not there."""
        part = target.with_name(f"{target.name}.part")
        query, headers = _given(parameters), self._headers({"Accept": accept})
        try:
            with httpx.stream("GET", f"{self.url}{path}", params=query, headers=headers, timeout=600.0) as response:
                if not response.is_success:
                    response.read()
                    raise _problem(response)
                with part.open("wb") as file:
                    file.writelines(response.iter_bytes())
            part.replace(target)
        except httpx.TransportError as error:
            raise self._no_answer(error) from error
        except OSError as error:
            raise InvalidInput(f"{target} cannot be written: {error.strerror}.", hint="Is its folder there?") from error
        finally:
            part.unlink(missing_ok=True)

    def _send(self, method: str, path: str, **options: Any) -> Any:
        return self._request(method, path, **options).json()

    def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        options["headers"] = self._headers(options.get("headers", {}))
        options.setdefault("timeout", 30.0)
        try:
            response = httpx.request(method, f"{self.url}{path}", **options)
        except httpx.TransportError as error:
            raise self._no_answer(error) from error
        if response.is_success:
            return response
        raise _problem(response)

    def _headers(self, own: dict[str, str]) -> dict[str, str]:
        key = os.environ.get("CHIFFCHAFF_API_KEY")
        return {"Authorization": f"Bearer {key}", **own} if key else own

    def _no_answer(self, error: httpx.TransportError) -> ServerError:
        return ServerError(
            f"No answer from {self.url}: {error}.", hint="Start Chiffchaff with `make run`, or give --server."
        )


def _given(parameters: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in parameters.items() if value is not None}


def _problem(response: httpx.Response) -> ServerError:
    if response.headers.get("content-type", "").startswith("application/problem+json"):
        problem = response.json()
        return ServerError(problem["detail"], hint=problem.get("hint", ""))
    return ServerError(f"{response.request.url} answered {response.status_code}.")
