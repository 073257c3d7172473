"""Addresses: which are only of this machine, which proxies and origins the operator named."""

import ipaddress
import re

ORIGIN = re.compile(r"https?://(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:\d{1,5})?")
EVERYBODY = "*"
IPV6_SITE_BITS = 64
"""What one subscriber usually has to himself."""


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def neighbourhood(host: str) -> str:
    """What counts as one client: an IPv4 address, or the /64 that an IPv6 address is in."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, IPV6_SITE_BITS), strict=False))


def listed(text: str) -> list[str]:
    return [entry.strip() for entry in text.split(",") if entry.strip()]


def require_proxies(text: str) -> str:
    """Addresses and networks, or `*` alone. Raises ValueError for anything else: a typo would trust nobody."""
    entries = listed(text)
    if entries == [EVERYBODY]:
        return text
    for entry in entries:
        try:
            ipaddress.ip_network(entry)
        except ValueError as error:
            raise ValueError(f"CHIFFCHAFF_TRUSTED_PROXIES takes addresses and networks: {error}") from error
    return text


def require_origins(text: str) -> str:
    for entry in listed(text):
        if not ORIGIN.fullmatch(entry):
            raise ValueError(
                f"CHIFFCHAFF_CORS_ORIGINS takes origins such as https://birds.example:8443, each in full, not {entry}"
            )
    return text
