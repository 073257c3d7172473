"""One page of a search."""

import json
from dataclasses import dataclass
from typing import Any

import httpx

from services.ingest.xeno_canto import values
from services.ingest.xeno_canto.client import NAME, Client
from services.ingest.xeno_canto.errors import KeyRefused, SearchRefused, Trouble

PER_PAGE = 500
MAX_PAGE_BYTES = 64 << 20
REASON_LENGTH = 300
LONGEST_INTEGER = 18


@dataclass(frozen=True)
class Page:
    """`found` is how many recordings the whole search has, by Xeno-canto's own count."""

    records: list[Any]
    found: int
    pages: int


def search(client: Client, query: str, page: int) -> Page:
    """Asks until there is an answer.

    Raises:
        KeyRefused, SearchRefused: when asking again would not help.
        XenoCantoUnavailable: after the last try.
    """
    return client.persist(lambda: _search(client, query, page))


def _search(client: Client, query: str, page: int) -> Page:
    key = client.settings.xeno_canto_key.get_secret_value()
    params = {"query": query, "key": key, "per_page": str(PER_PAGE), "page": str(page)}
    with client.get(client.settings.xeno_canto_url, params=params, same_host=True) as response:
        content = _read(response)
    status = response.status_code
    if status in (401, 403):
        raise KeyRefused(
            f"{NAME} answered {status}: {_message(content, key) or 'no reason given'}",
            hint="The operator sets CHIFFCHAFF_XENO_CANTO_KEY to the key of an account whose e-mail is confirmed "
            "(xeno-canto.org/account).",
        )
    if status != httpx.codes.OK:
        raise SearchRefused(
            f"{NAME} answered {status}: {_message(content, key) or 'no reason given'}",
            hint="Check the query, and CHIFFCHAFF_XENO_CANTO_URL: the third version of the API is needed.",
        )
    answer = _parsed(content)
    if not isinstance(answer, dict):
        raise Trouble("answered something that is no search result")
    if not isinstance(answer.get("recordings"), list):
        if reason := _message(content, key):
            raise SearchRefused(f"{NAME} refuses the search: {reason}")
        raise Trouble("answered something that is no search result")
    records = [values.storable(record) for record in answer["recordings"]]
    return Page(records, _count(answer.get("numRecordings"), len(records)), _count(answer.get("numPages"), page))


def _read(response: httpx.Response) -> bytes:
    content = bytearray()
    for block in response.iter_bytes():
        content += block
        if len(content) > MAX_PAGE_BYTES:
            raise SearchRefused(f"{NAME} answered with more than {MAX_PAGE_BYTES >> 20} MB at once.")
    return bytes(content)


def _parsed(content: bytes) -> Any:
    """The JSON; None for what is none."""
    try:
        return json.loads(content, parse_int=lambda digits: int(digits) if len(digits) <= LONGEST_INTEGER else digits)
    except (ValueError, RecursionError):
        return None


def _message(content: bytes, key: str) -> str:
    """What the service says is wrong, without the key and not endless."""
    answer = _parsed(content)
    if not isinstance(answer, dict):
        return ""
    said = values.text(values.storable(answer.get("message"))) or values.text(values.storable(answer.get("error")))
    return said.replace(key, "***")[:REASON_LENGTH]


def _count(value: Any, otherwise: int) -> int:
    found = values.decimal(value)
    return int(found) if found is not None and 0 <= found < 1e9 else otherwise
