"""Which addresses are this machine's own, and what counts as one client."""

import pytest
from pydantic import ValidationError

from shared.network import is_loopback, neighbourhood
from shared.settings import Settings


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "localhost", "::1", "[::1]"])
def test_loopback_is_this_machine(host: str) -> None:
    assert is_loopback(host)
    assert not Settings(host=host).listens_beyond_loopback


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "birds.example", "localhost.evil.example", ""])  # noqa: S104
def test_everything_else_is_not(host: str) -> None:
    assert not is_loopback(host)


def test_behind_a_proxy_it_is_the_published_address_that_counts() -> None:
    assert not Settings(host="0.0.0.0", published_host="127.0.0.1").listens_beyond_loopback  # noqa: S104
    assert Settings(host="127.0.0.1", published_host="0.0.0.0").listens_beyond_loopback  # noqa: S104


def test_a_subscriber_s_ipv6_addresses_are_one_client() -> None:
    assert neighbourhood("2001:db8:1:2::1") == neighbourhood("2001:db8:1:2:ffff::9")
    assert neighbourhood("2001:db8:1:2::1") != neighbourhood("2001:db8:1:3::1")
    assert neighbourhood("::ffff:192.0.2.1") == "192.0.2.1"
    assert neighbourhood("test") == "test"


@pytest.mark.parametrize("origins", ["*", "null", "birds.example", "https://birds.example/", "https://a.example,*"])
def test_only_whole_origins_may_be_named(origins: str) -> None:
    with pytest.raises(ValidationError, match="CORS_ORIGINS takes origins"):
        Settings(cors_origins=origins)


@pytest.mark.parametrize("proxies", ["nginx", "10.0.0.1/8", "*,10.0.0.1"])
def test_a_proxy_that_is_no_address_is_refused(proxies: str) -> None:
    with pytest.raises(ValidationError, match="TRUSTED_PROXIES takes addresses"):
        Settings(trusted_proxies=proxies)


def test_requests_are_limited_beyond_loopback_unless_said_otherwise() -> None:
    assert Settings().requests_per_minute == 0
    assert Settings(host="0.0.0.0").requests_per_minute == 600  # noqa: S104
    assert Settings(host="0.0.0.0", rate_per_minute=0).requests_per_minute == 0  # noqa: S104
    assert Settings(rate_per_minute=5).requests_per_minute == 5
