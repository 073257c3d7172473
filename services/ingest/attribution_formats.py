"""Credits as text for people (plain or Markdown) and as data (CSV, JSON), one after the other as they come."""

import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator

from services.ingest.credits import Credit
from services.ingest.formats import CSV, JSON, MARKDOWN, PLAIN, csv_lines

NOBODY, NO_LICENCE, NO_SPECIES = "Unknown recordist", "licence unknown", "Unlabelled"
COLUMNS = (
    "recordist", "licence", "licence_url", "species", "common_name", "title", "xc_id", "url", "sha256", "id",
)  # fmt: skip
PIECES_AT_ONCE = 200


class Writer(ABC):
    """Writes sorted credits; `end` is called once, after the last."""

    @abstractmethod
    def add(self, credit: Credit) -> str: ...

    @abstractmethod
    def end(self) -> str: ...


class TextWriter(Writer):
    """A paragraph per recordist and licence, a line per species in it; what is named once is not named again."""

    def __init__(self) -> None:
        self._last: Credit | None = None

    def add(self, credit: Credit) -> str:
        last, self._last = self._last, credit
        same_group = last is not None and _group(last) == _group(credit)
        if not same_group:
            return f"{self._between() if last else ''}{self._heading(credit)}{self._line(credit)}"
        if last is not None and last.species != credit.species:
            return self._line(credit)
        if last is not None and (last.reference, last.url) == (credit.reference, credit.url):
            return ""
        return f", {self._link(credit.reference, credit.url)}"

    def end(self) -> str:
        return "\n" if self._last else "No recordings.\n"

    def _between(self) -> str:
        return "\n\n"

    def _heading(self, credit: Credit) -> str:
        licence = credit.licence.name or NO_LICENCE
        return f"{self._text(credit.recordist or NOBODY)}, {self._link(licence, credit.licence.url)}:"

    def _line(self, credit: Credit) -> str:
        name = self._species(credit.species) if credit.species else NO_SPECIES
        named = credit.common_name and credit.common_name != credit.species
        common = f" ({self._text(credit.common_name)})" if named else ""
        return f"\n- {name}{common}: {self._link(credit.reference, credit.url)}"

    def _link(self, text: str, url: str) -> str:
        return f"{_line_of(text)} ({url})" if url and url != text else _line_of(text)

    def _species(self, name: str) -> str:
        return self._text(name)

    def _text(self, text: str) -> str:
        return _line_of(text)


class MarkdownWriter(TextWriter):
    """The same with links; nothing in a name becomes markup."""

    def _heading(self, credit: Credit) -> str:
        return f"{super()._heading(credit)}\n"

    def _link(self, text: str, url: str) -> str:
        if not url.startswith(("http://", "https://")):
            return self._text(text)
        address = "".join(f"%{ord(sign):02X}" if sign in '<> "\\`' or sign < " " else sign for sign in url)
        return f"[{self._text(text)}](<{address}>)"

    def _species(self, name: str) -> str:
        return f"*{self._text(name)}*"

    def _text(self, text: str) -> str:
        return "".join(f"\\{sign}" if sign in "\\|<>[]()`*_#!~&$" else sign for sign in _line_of(text))


class CsvWriter(Writer):
    """A row for each recording."""

    def __init__(self) -> None:
        self._begun = False

    def add(self, credit: Credit) -> str:
        begun, self._begun = self._begun, True
        row = (
            credit.recordist, credit.licence.name, credit.licence.url, credit.species, credit.common_name,
            credit.title, credit.xc_id, credit.url, credit.sha256, credit.id or "",
        )  # fmt: skip
        return csv_lines([row] if begun else [COLUMNS, row])

    def end(self) -> str:
        return "" if self._begun else csv_lines([COLUMNS])


class JsonWriter(Writer):
    """`{"credits": [{"recordist", "licence", "licence_url", "recordings": [...]}]}`, as `Attributions` describes it."""

    def __init__(self) -> None:
        self._last: Credit | None = None

    def add(self, credit: Credit) -> str:
        last, self._last = self._last, credit
        if last is not None and _group(last) == _group(credit):
            return f",{self._recording(credit)}"
        opening = '{"credits":[' if last is None else "]},"
        group = {
            "recordist": credit.recordist,
            "licence": credit.licence.name,
            "licence_url": credit.licence.url,
        }
        return f'{opening}{json.dumps(group, ensure_ascii=False)[:-1]},"recordings":[{self._recording(credit)}'

    def end(self) -> str:
        return "]}]}" if self._last else '{"credits":[]}'

    def _recording(self, credit: Credit) -> str:
        shown = {
            "id": credit.id,
            "sha256": credit.sha256,
            "species": credit.species or None,
            "common_name": credit.common_name,
            "title": credit.title,
            "xc_id": credit.xc_id or None,
            "url": credit.url,
        }
        return json.dumps(shown, ensure_ascii=False)


WRITERS: dict[str, type[Writer]] = {PLAIN: TextWriter, JSON: JsonWriter, CSV: CsvWriter, MARKDOWN: MarkdownWriter}


async def written(credits: AsyncIterator[Credit], media_type: str) -> AsyncIterator[str]:
    writer = WRITERS[media_type]()
    pieces: list[str] = []
    async for credit in credits:
        pieces.append(writer.add(credit))
        if len(pieces) == PIECES_AT_ONCE:
            yield "".join(pieces)
            pieces.clear()
    yield "".join((*pieces, writer.end()))


def _group(credit: Credit) -> tuple[str, str, str]:
    return credit.recordist, credit.licence.name, credit.licence.url


def _line_of(text: str) -> str:
    return " ".join(text.split())
