"""Licences of recordings: one name and one address for every way in which Creative Commons licences are written."""

import re
from dataclasses import dataclass
from functools import lru_cache

CREATIVE_COMMONS = "https://creativecommons.org"
PUBLIC_DOMAIN = {"zero": "CC0", "mark": "Public Domain Mark"}

_ADDRESS = re.compile(
    r"creativecommons\.org/(?:licenses/(?P<terms>by[a-z-]*)|publicdomain/(?P<public>zero|mark))"
    r"(?:/(?P<version>\d\.\d))?(?:/(?P<port>[a-z]{2})\b)?"
)
_WORDS = (
    (re.compile(r"attribution"), "by"),
    (re.compile(r"non[ -]?commercial"), "nc"),
    (re.compile(r"share[ -]?alike"), "sa"),
    (re.compile(r"no[ -]?deriv(?:ative)?s?(?: ?works)?"), "nd"),
)
_CREATIVE_COMMONS = re.compile(r"\bcc\b|\bcc ?0\b|creative commons|attribution")
_TERMS = re.compile(r"\bby(?:[ /-]+(?:nc|nd|sa))*\b")
_ZERO = re.compile(r"\bcc[ -]?(?:0|zero)\b")
_VERSION = re.compile(r"(?<![\d.])([1-4]\.[05])(?![\d.])(?: ([a-z]{2})$)?")


@dataclass(frozen=True)
class Licence:
    """`name` is such as `CC BY-NC-SA 4.0`, or what was given where that is no Creative Commons licence."""

    name: str
    family: str
    """The name without its version: `CC BY-NC-SA`."""
    url: str = ""

    @property
    def no_derivatives(self) -> bool:
        return "ND" in self.terms

    @property
    def terms(self) -> list[str]:
        """Of a Creative Commons licence: `BY`, `NC`, `SA`, `ND`."""
        return self.family.removeprefix("CC ").split("-") if self.family.startswith("CC BY") else []

    def covers(self, other: "Licence") -> bool:
        """Whether the other is the same one, or one of the family that this names without a version."""
        if self.name == self.family:
            return self.family.casefold() == other.family.casefold()
        return self.name.casefold() == other.name.casefold()


@lru_cache(4_096)
def licence_of(text: str) -> Licence:
    """What a source wrote, such as `//creativecommons.org/licenses/by-nc-sa/4.0/` or `cc-by-nc-sa-4.0`."""
    given = " ".join(text.split())
    lowered = given.lower().replace("_", " ")
    if found := _ADDRESS.search(lowered):
        version, port = found["version"] or "", found["port"] or ""
        return _public(found["public"], version) if found["public"] else _licensed(found["terms"], version, port)
    if not _CREATIVE_COMMONS.search(lowered):
        return Licence(given, given, given if given.startswith(("http://", "https://")) else "")
    for words, short in _WORDS:
        lowered = words.sub(short, lowered)
    version, port = next(((one[1], one[2] or "") for one in _VERSION.finditer(lowered)), ("", ""))
    if found := _TERMS.search(lowered):
        return _licensed(found[0], version, port)
    if _ZERO.search(lowered):
        return _public("zero", version)
    return Licence(given, given)


def _licensed(terms: str, version: str, port: str) -> Licence:
    named = set(re.split(r"[ /-]+", terms))
    ordered = [term for term in ("by", "nc", "nd", "sa") if term in named]
    family = f"CC {'-'.join(ordered).upper()}"
    if not version:
        return Licence(family, family)
    name = " ".join(part for part in (family, version, port.upper()) if part)
    return Licence(
        name, family, f"{CREATIVE_COMMONS}/licenses/{'-'.join(ordered)}/{version}/{f'{port}/' if port else ''}"
    )


def _public(kind: str, version: str) -> Licence:
    version = version or "1.0"
    return Licence(
        f"{PUBLIC_DOMAIN[kind]} {version}", PUBLIC_DOMAIN[kind], f"{CREATIVE_COMMONS}/publicdomain/{kind}/{version}/"
    )
