"""The names of licences, from the addresses that Xeno-canto gives."""

import re

_CREATIVE_COMMONS = re.compile(r"creativecommons\.org/licen[cs]es/([a-z]+(?:-[a-z]+)*)/(\d(?:\.\d)?)", re.IGNORECASE)
_ZERO = re.compile(r"creativecommons\.org/publicdomain/zero/(\d(?:\.\d)?)", re.IGNORECASE)
_MARK = re.compile(r"creativecommons\.org/publicdomain/mark/(\d(?:\.\d)?)", re.IGNORECASE)
_KINDS = frozenset({"by", "by-sa", "by-nc", "by-nc-sa", "by-nd", "by-nc-nd", "by-nd-nc"})


def licence_name(text: str) -> str | None:
    """`CC BY-NC-SA 4.0` for its address, with or without a scheme; None for what is no Creative Commons licence."""
    if found := _CREATIVE_COMMONS.search(text):
        kind = found[1].lower()
        return f"CC {kind.upper()} {found[2]}" if kind in _KINDS else None
    if found := _ZERO.search(text):
        return f"CC0 {found[1]}"
    if found := _MARK.search(text):
        return f"Public Domain Mark {found[1]}"
    return None


def allows_derivatives(name: str) -> bool:
    return "ND" not in re.split(r"[ -]", name)
