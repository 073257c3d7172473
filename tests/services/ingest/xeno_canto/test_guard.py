"""No address leads where nobody is to be asked."""

import httpx
import pytest

from services.ingest.xeno_canto.errors import AddressRefused
from services.ingest.xeno_canto.guard import Guard, GuardedTransport, is_public
from tests.support.xeno_canto_server import XenoCanto

DEFAULT = "https://xeno-canto.org/api/3/recordings"


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3", "127.0.0.1", "169.254.169.254", "100.100.100.200", "192.168.0.1", "172.16.0.1", "0.1.2.3",
        "224.0.0.1", "::1", "::", "fe80::1%eth0", "fd00:ec2::254", "::ffff:10.0.0.1", "64:ff9b::7f00:1",
        "2002:7f00:1::", "ff02::1",
    ],
)  # fmt: skip
def test_addresses_of_private_networks_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url", ["https://xeno-canto.org/1/download", "https://www.xeno-canto.org/x", "https://data.xeno-canto.org/a?b=c"]
)
def test_xeno_canto_and_its_subdomains_may_be_asked(url: str) -> None:
    Guard(DEFAULT).check(httpx.URL(url))


@pytest.mark.parametrize(
    "url",
    [
        "http://xeno-canto.org/x", "https://xeno-canto.org:444/x", "https://evil-xeno-canto.org/x", "ftp://xeno-canto.org",
        "https://xeno-canto.org.evil.example/x", "https://xeno-canto.org@evil.example/x", "https://127.0.0.1/x",
    ],
)  # fmt: skip
def test_nobody_else_may_be_asked(url: str) -> None:
    with pytest.raises(AddressRefused):
        Guard(DEFAULT).check(httpx.URL(url))


def test_the_host_that_the_operator_names_may_be_private_and_no_other_port_of_it(xeno_canto: XenoCanto) -> None:
    xeno_canto.add(1)
    guard = Guard(xeno_canto.search_url)
    with httpx.Client(transport=GuardedTransport(guard)) as client:
        assert client.get(f"{xeno_canto.origin}/sounds/uploaded/XC1.wav").status_code == 200
        with pytest.raises(AddressRefused):
            client.get(f"http://127.0.0.1:{xeno_canto.port + 1}/")


def test_a_public_name_that_leads_into_the_private_network_is_not_followed() -> None:
    guard = Guard(DEFAULT, public_hosts=("localhost",))
    with httpx.Client(transport=GuardedTransport(guard)) as client, pytest.raises(AddressRefused, match="private"):
        client.get("https://localhost/latest/meta-data")


def test_the_default_host_is_trusted_no_further_than_its_name() -> None:
    assert not Guard(DEFAULT).trusts(httpx.URL(DEFAULT))
    assert Guard("http://mirror.lan:81/api").trusts(httpx.URL("http://mirror.lan:81/9/download"))


def test_the_request_keeps_its_name_though_it_goes_to_an_address(xeno_canto: XenoCanto) -> None:
    base = f"http://localhost:{xeno_canto.port}/api/3/recordings"
    with httpx.Client(transport=GuardedTransport(Guard(base))) as client:
        response = client.get(base)
    assert xeno_canto.seen[0].headers["host"] == f"localhost:{xeno_canto.port}"
    assert response.url.host == "localhost"
