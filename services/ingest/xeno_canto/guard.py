"""Which addresses may be asked, and that no name leads into the private network behind them.

A name is resolved once, and what it resolved to is checked and connected to: a second answer of the name server has
nothing to say. TLS still checks the certificate against the name.
"""

import ipaddress
import socket
from collections.abc import Iterator

import httpx

from services.ingest.xeno_canto.errors import AddressRefused

PUBLIC_HOSTS = ("xeno-canto.org",)
"""These and their subdomains, by https only."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Guard:
    """Lets through the host and port that the operator named in `base`, and public hosts of Xeno-canto."""

    def __init__(self, base: str, public_hosts: tuple[str, ...] = PUBLIC_HOSTS) -> None:
        self._own = _origin(httpx.URL(base))
        self._public_hosts = public_hosts

    def trusts(self, url: httpx.URL) -> bool:
        """Whether it is the operator's own choice, which may lie in a private network."""
        return _origin(url) == self._own and not self._is_public(url)

    def is_base(self, url: httpx.URL) -> bool:
        return _origin(url) == self._own

    def check(self, url: httpx.URL) -> None:
        """Raises AddressRefused where the address is not to be asked."""
        if url.userinfo:
            raise AddressRefused("The address holds a user name or a password.")
        if self.is_base(url):
            return
        if url.scheme != "https" or url.port is not None or not self._is_public(url):
            raise AddressRefused(
                f"{url.scheme}://{url.host} is not asked: only https addresses of {', '.join(self._public_hosts)} are.",
                hint="Is CHIFFCHAFF_XENO_CANTO_URL right?",
            )

    def resolve(self, url: httpx.URL) -> list[str]:
        """The IP addresses to connect to, in this order.

        Raises:
            AddressRefused: when all of them are private.
            httpx.ConnectError: when the name has none.
        """
        try:
            answers = socket.getaddrinfo(url.host, url.port or _port(url), type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError(f"the name {url.host} cannot be resolved: {error}") from error
        found = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
        allowed = found if self.trusts(url) else [address for address in found if is_public(address)]
        if not allowed:
            raise AddressRefused(f"{url.host} leads to the private address {found[0]}, which is not asked.")
        return allowed

    def _is_public(self, url: httpx.URL) -> bool:
        return any(url.host == host or url.host.endswith(f".{host}") for host in self._public_hosts)


class GuardedTransport(httpx.BaseTransport):
    """Checks each request, redirected or not, and connects to the very address that was checked."""

    def __init__(self, guard: Guard, transport: httpx.BaseTransport | None = None) -> None:
        self._guard = guard
        self._transport = transport or httpx.HTTPTransport(trust_env=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._guard.check(request.url)
        error: Exception | None = None
        for address in self._guard.resolve(request.url):
            try:
                return self._transport.handle_request(_to(address, request))
            except (httpx.ConnectError, httpx.ConnectTimeout) as failed:
                error = failed
        raise httpx.ConnectError(str(error)) from error

    def close(self) -> None:
        self._transport.close()


def is_public(address: str) -> bool:
    """Whether an IP address, and every one hidden inside of it, belongs to the public internet."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    return all(one.is_global and not one.is_multicast for one in _with_embedded(parsed))


def _with_embedded(address: Address) -> Iterator[Address]:
    """The address, and the IPv4 addresses that an IPv6 one stands for."""
    yield address
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            yield address.ipv4_mapped
        if address.sixtofour:
            yield address.sixtofour
        if address in _NAT64:
            yield ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)


def _to(address: str, request: httpx.Request) -> httpx.Request:
    """The same request, whose `Host` header and certificate are still those of the name."""
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address.partition("%")[0]),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": request.url.host},
    )


def _port(url: httpx.URL) -> int:
    return 443 if url.scheme == "https" else 80


def _origin(url: httpx.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port or _port(url)
