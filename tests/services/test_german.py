"""Whatever a service calls a failure, the page has a German word for it."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import services
import shared
from services.inference.page import WEB
from services.ingest.xeno_canto import choice
from shared.errors import ChiffchaffError

NOT_ON_THE_PAGE = {
    "unauthorized",  # the page asks for a key instead
    "exposed",  # said to who starts a service, at its start
    "no-workers",  # said by the command line
}
WRITTEN_OUT = re.compile(
    r'(?:\berror_code"?\]? ?= ?(?:row\.error_code or )?|'
    r'\bLeftOut\(.*"(?:skipped|refused)", |_left_out\(entry, |\bRefused\()'
    r'"([a-z]+(?:-[a-z]+)*)"'
)
"""The codes that are no class of errors: those of files that are left out, and of jobs whose worker is gone."""


def kinds(kind: type[ChiffchaffError] = ChiffchaffError) -> Iterator[type[ChiffchaffError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from kinds(below)


def codes() -> set[str]:
    found = {*choice.LEFT_OUT, *choice.REFUSED}
    for package in (shared, services):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations" not in module.name and not module.name.endswith("__main__"):
                source = importlib.import_module(module.name).__file__
                assert source is not None
                found.update(WRITTEN_OUT.findall(Path(source).read_text(encoding="utf-8")))
    return found | {kind.code for kind in kinds() if kind.__module__.startswith(("shared.", "services."))}


def german(file: str, after: str) -> set[str]:
    """The keys of the object named `after` in a file of German words."""
    words = (WEB / file).read_text(encoding="utf-8")
    block = re.search(rf"^  {after}: {{\n(.*?)^  }},", words, re.MULTILINE | re.DOTALL)
    assert block is not None, after
    return set(re.findall(r'^    "?([\w-]+)"?:', block[1], re.MULTILINE))


def test_every_failure_that_people_can_meet_is_said_in_german() -> None:
    said = german("lib/de.js", "problems") | german("views/library/de.js", "leftOut")
    found = codes()
    assert {"worker-lost", "bad-row", "link-not-followed", "duplicate-row", "restored", "not-audio", "quality"} <= found
    assert found - said - NOT_ON_THE_PAGE == set()
    assert found >= NOT_ON_THE_PAGE
