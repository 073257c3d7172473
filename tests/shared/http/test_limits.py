"""How often one may ask: in the process, and common to several by a real Redis."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis as Client

from shared.http.limits import MOST_BUCKETS, InProcess, InRedis, Rate, Standing, open_limiter
from shared.settings import Settings
from tests.shared.http.conftest import Serve
from tests.support.servers import Redis

KEY, OTHER = "a-key-that-is-long-enough", "another-key-long-enough"
RATE = Rate(per_minute=60, burst=5)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_a_burst_is_let_through_and_then_one_as_often_as_the_rate_says() -> None:
    buckets = InProcess(RATE)
    assert [buckets.take_at("a", 100.0).allowed for _ in range(7)] == [True] * 5 + [False] * 2
    assert buckets.take_at("b", 100.0).left == 4
    assert not buckets.take_at("a", 100.9).allowed
    assert buckets.take_at("a", 101.0).allowed
    assert not buckets.take_at("a", 101.0).allowed
    assert [buckets.take_at("a", 500.0).allowed for _ in range(6)] == [True] * 5 + [False]


def test_the_headers_say_what_is_left_and_when_to_come_back() -> None:
    assert Standing(RATE, True, 2.0).headers() == {
        "RateLimit-Policy": '"requests";q=5;w=5',
        "RateLimit": '"requests";r=3;t=2',
    }
    assert Standing(RATE, False, 4.6).headers()["Retry-After"] == "1"
    assert Standing(Rate(per_minute=1, burst=1), False, 59.2).headers()["Retry-After"] == "60"


def test_the_buckets_of_passers_by_do_not_pile_up() -> None:
    buckets = InProcess(RATE)
    for number in range(MOST_BUCKETS + 100):
        buckets.take_at(str(number), 100.0 + number / 1_000)
    assert len(buckets._full_at) <= MOST_BUCKETS
    assert buckets.take_at(str(MOST_BUCKETS + 99), 100.0 + (MOST_BUCKETS + 99) / 1_000).left == 3


@pytest.fixture
async def client(redis: Redis) -> AsyncIterator[Client]:
    async with Client.from_url(redis.url) as made:
        await made.flushdb()
        yield made


async def test_several_processes_share_a_bucket_and_none_gets_more_than_there_is(client: Client) -> None:
    replicas = [InRedis(Rate(per_minute=6, burst=20), client) for _ in range(4)]
    standings = await asyncio.gather(*(replicas[turn % 4].take("one") for turn in range(80)))
    assert sum(one.allowed for one in standings) == 20
    assert min(one.left for one in standings) == 0
    seconds_to_live = await client.ttl("chiffchaff:rate:one")
    assert 190 <= seconds_to_live <= 201, "an idle bucket is full after 200 s, and gone"


async def test_in_redis_a_token_comes_back_too(client: Client) -> None:
    bucket = InRedis(Rate(per_minute=600, burst=1), client)
    assert (await bucket.take("one")).allowed
    assert not (await bucket.take("one")).allowed
    async with asyncio.timeout(2):
        while not (await bucket.take("one")).allowed:
            pass


async def test_without_redis_each_process_counts_and_nobody_waits_long(tmp_path: Path) -> None:
    own = Redis(tmp_path)
    own.start()
    try:
        settings = Settings.model_validate(
            {"data_dir": tmp_path, "broker_url": own.url, "rate_per_minute": 6, "rate_burst": 3}
        )
        async with open_limiter(settings) as limiter:
            assert isinstance(limiter, InRedis)
            assert (await limiter.take("one")).left == 2  # type: ignore[union-attr]
            own.kill()
            async with asyncio.timeout(5):
                standings = [await limiter.take("one") for _ in range(4)]
            assert [one.allowed for one in standings if one] == [True, True, True, False]
    finally:
        own.stop()


@pytest.mark.parametrize("where", ["in the process", "in Redis"])
async def test_each_key_has_its_own_limit_and_health_has_none(serve: Serve, redis: Redis, where: str) -> None:
    broker = {} if where == "in the process" else {"broker_url": redis.url}
    limits = {"rate_per_minute": 6, "rate_burst": 3}
    async with serve(api_keys=f"{KEY},{OTHER}", **limits, **broker) as api:
        answers = [await api.get("/nests", headers=bearer(KEY)) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert answers[0].headers["ratelimit-policy"] == '"requests";q=3;w=30'
        assert [re.findall(r"r=(\d)", answer.headers["ratelimit"])[0] for answer in answers] == ["2", "1", "0", "0"]
        refused = answers[3]
        assert refused.headers["content-type"] == "application/problem+json"
        assert (refused.json()["code"], refused.json()["status"]) == ("rate-limited", 429)
        assert 1 <= int(refused.headers["retry-after"]) <= 10
        assert f"Try again in {refused.headers['retry-after']} s" in refused.json()["hint"]
        assert (await api.get("/nests", headers=bearer(OTHER))).status_code == 200
        for path in ("/healthz", "/readyz", "/metrics"):
            for _ in range(5):
                answer = await api.get(path)
                assert answer.status_code == 200
                assert "ratelimit" not in answer.headers


async def test_who_guesses_keys_is_slowed_down_and_others_are_not(serve: Serve) -> None:
    async with serve(api_keys=KEY, rate_per_minute=6, rate_burst=3) as api:
        guesses = [await api.get("/nests", headers=bearer(f"cc_{guess:043}")) for guess in range(5)]
        assert [answer.status_code for answer in guesses] == [401, 401, 401, 429, 429]
        assert (await api.get("/nests", headers=bearer(KEY))).status_code == 200


async def test_requests_that_make_no_sense_count_as_well(serve: Serve) -> None:
    async with serve(rate_per_minute=6, rate_burst=3) as api:
        answers = [await api.get(f"/none/{number}") for number in range(3)]
        answers.append(await api.post("/nests", content=bytes(2 << 20)))
    assert [answer.status_code for answer in answers] == [404, 404, 404, 429]


async def asked_by(api: httpx.AsyncClient, forwarded: str) -> int:
    return (await api.get("/nests", headers={"X-Forwarded-For": forwarded})).status_code


async def test_a_client_s_address_is_believed_from_a_proxy_that_was_named_only(serve: Serve) -> None:
    limits = {"rate_per_minute": 6, "rate_burst": 1}
    async with serve(client="10.0.0.9", **limits) as api:
        assert [await asked_by(api, f"192.0.2.{number}") for number in range(3)] == [200, 429, 429]
    async with serve(client="10.0.0.9", trusted_proxies="10.0.0.0/24", **limits) as api:
        assert [await asked_by(api, f"192.0.2.{number}") for number in range(3)] == [200, 200, 200]
        # What the client itself wrote in front of the address that the proxy saw changes nothing.
        assert [await asked_by(api, f"198.51.100.{number}, 192.0.2.1") for number in range(3)] == [429, 429, 429]


async def test_on_loopback_nothing_is_limited(serve: Serve) -> None:
    async with serve() as api:
        answers = [await api.get("/nests") for _ in range(150)]
    assert {answer.status_code for answer in answers} == {200}
    assert "ratelimit" not in answers[0].headers
