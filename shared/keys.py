"""API keys: what one looks like, what it may do, and those that the operator set in `CHIFFCHAFF_API_KEYS`.

A key is 256 random bits, so its plain SHA-256 can be kept instead of it: there is nothing to guess (OWASP's advice on
slow hashes is for passwords).
"""

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

Scope = Literal["classify", "ingest", "train", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
"""`admin` includes the others."""

MARK = "cc_"
RANDOM_BYTES = 32
SHOWN = 10
"""Characters that tell keys apart in lists: 42 of the 256 bits."""
SHORTEST = 16
PLACEHOLDERS = frozenset({"change-me", "changeme", "secret", "password"})
KEY = re.compile(rf"{MARK}[A-Za-z0-9_-]{{43}}")
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
HASHED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,63}):([a-z+]+):([0-9A-Fa-f]{64})")


@dataclass(frozen=True)
class ConfiguredKey:
    """A key from the settings. Its `id` is what logs say."""

    id: str
    name: str
    scopes: frozenset[str]
    sha256: str


def new_key() -> str:
    return f"{MARK}{secrets.token_urlsafe(RANDOM_BYTES)}"


def is_made_here(key: str) -> bool:
    """Has it the form of those that `new_key` makes?"""
    return KEY.fullmatch(key) is not None


def digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def configured_keys(text: str) -> tuple[ConfiguredKey, ...]:
    """The keys in a list separated by commas: a key that may do everything, or `name:scope+scope:sha256hex`.

    Raises:
        ValueError: for what is neither, a placeholder, a short key, a scope that does not exist.
    """
    entries = filter(None, (entry.strip() for entry in text.split(",")))
    return tuple(_configured(entry, place) for place, entry in enumerate(entries, start=1))


def _configured(entry: str, place: int) -> ConfiguredKey:
    if entry.count(":") == 2:
        return _hashed(entry, place)
    if entry.lower() in PLACEHOLDERS or len(entry) < SHORTEST:
        raise ValueError(
            f"CHIFFCHAFF_API_KEYS holds a placeholder or a key shorter than {SHORTEST} characters: "
            "make one with `python3 -c 'import secrets; print(secrets.token_urlsafe(32))'`"
        )
    return ConfiguredKey(f"setting-{place}", f"setting-{place}", frozenset(SCOPES), digest(entry))


def _hashed(entry: str, place: int) -> ConfiguredKey:
    found = HASHED.fullmatch(entry)
    if found is None:
        raise ValueError(
            f"entry {place} of CHIFFCHAFF_API_KEYS is no name:scope+scope:sha256hex, such as garden:classify+ingest:"
            "9f86...; `printf %s KEY | sha256sum` prints the last part"
        )
    name, scopes, sha256 = found.groups()
    return ConfiguredKey(f"setting-{name}", name, checked_scopes(scopes.split("+")), sha256.lower())


def checked_scopes(named: Iterable[str]) -> frozenset[str]:
    """Raises ValueError where one of them is none."""
    scopes = frozenset(named)
    if unknown := sorted(scopes.difference(SCOPES)):
        raise ValueError(f"there is no scope {unknown[0] or 'without a name'}: they are {', '.join(SCOPES)}")
    return scopes
