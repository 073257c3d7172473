"""How often a key, or an address without one, may ask: a token bucket, common to all processes where there is a Redis.

A bucket is kept as one number, the moment at which it will be full again: a request moves that moment by the time in
which one token comes back, and is refused where it would then lie further away than a whole bucket takes to fill.
"""

import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from shared.log import get_logger
from shared.settings import Settings

logger = get_logger(__name__)

REDIS_SECONDS = 0.25
"""How long a request waits for Redis before it is counted here instead."""
AWAY_SECONDS = 5.0
"""How long Redis is left alone then."""
MOST_BUCKETS = 20_000
TOLERANCE = 1e-6

TAKE = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local interval, capacity = tonumber(ARGV[1]), tonumber(ARGV[2])
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
if full_at + interval - now > capacity + 0.000001 then
    return {0, string.format('%.6f', full_at - now)}
end
full_at = full_at + interval
redis.call('SET', KEYS[1], string.format('%.6f', full_at), 'PX', math.ceil((full_at - now) * 1000) + 1)
return {1, string.format('%.6f', full_at - now)}
"""


@dataclass(frozen=True)
class Rate:
    per_minute: int
    burst: int

    @property
    def interval(self) -> float:
        """Seconds in which one token comes back."""
        return 60.0 / self.per_minute

    @property
    def capacity(self) -> float:
        """Seconds in which an empty bucket fills."""
        return self.interval * self.burst


@dataclass(frozen=True)
class Standing:
    """How a bucket stands after a request."""

    rate: Rate
    allowed: bool
    full_in: float
    """Seconds."""

    @property
    def left(self) -> int:
        return max(0, math.floor((self.rate.capacity - self.full_in) / self.rate.interval + TOLERANCE))

    @property
    def retry_after(self) -> int:
        """Whole seconds until one more request is allowed."""
        return max(1, math.ceil(self.full_in + self.rate.interval - self.rate.capacity - TOLERANCE))

    def headers(self) -> dict[str, str]:
        """As draft-ietf-httpapi-ratelimit-headers-10 has it: the quota is a full bucket, the window its filling."""
        headers = {
            "RateLimit-Policy": f'"requests";q={self.rate.burst};w={max(1, math.ceil(self.rate.capacity - TOLERANCE))}',
            "RateLimit": f'"requests";r={self.left};t={math.ceil(self.full_in)}',
        }
        return headers if self.allowed else {**headers, "Retry-After": str(self.retry_after)}


class Limiter(Protocol):
    async def take(self, bucket: str) -> Standing | None:
        """One token; None where nothing is limited."""


class Unlimited:
    async def take(self, bucket: str) -> Standing | None:
        return None


class InProcess:
    """Buckets of this process alone."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._full_at: dict[str, float] = {}

    async def take(self, bucket: str) -> Standing:
        return self.take_at(bucket, time.monotonic())

    def take_at(self, bucket: str, moment: float) -> Standing:
        full_at = max(self._full_at.pop(bucket, moment), moment)
        allowed = full_at + self._rate.interval - moment <= self._rate.capacity + TOLERANCE
        if allowed:
            full_at += self._rate.interval
        self._full_at[bucket] = full_at
        if len(self._full_at) > MOST_BUCKETS:
            self._drop(moment)
        return Standing(self._rate, allowed, full_at - moment)

    def _drop(self, moment: float) -> None:
        """The full ones, which say nothing; where that is not enough, those that were asked longest ago."""
        kept = [(bucket, full_at) for bucket, full_at in self._full_at.items() if full_at > moment]
        self._full_at = dict(kept[-MOST_BUCKETS // 2 :])


class InRedis:
    """Buckets common to all processes, by Redis's clock. While Redis is away each process counts for itself."""

    def __init__(self, rate: Rate, redis: Redis) -> None:
        self._rate = rate
        self._take = redis.register_script(TAKE)
        self._here = InProcess(rate)
        self._away_until = 0.0

    async def take(self, bucket: str) -> Standing:
        if time.monotonic() >= self._away_until:
            try:
                allowed, full_in = await self._take(
                    keys=[f"chiffchaff:rate:{bucket}"], args=[self._rate.interval, self._rate.capacity]
                )
                return Standing(self._rate, bool(allowed), float(full_in))
            except (RedisError, OSError) as error:
                self._away_until = time.monotonic() + AWAY_SECONDS
                logger.warning("requests are counted in each process: Redis is away", reason=str(error))
        return await self._here.take(bucket)


@asynccontextmanager
async def open_limiter(settings: Settings) -> AsyncIterator[Limiter]:
    if not settings.requests_per_minute:
        yield Unlimited()
        return
    rate = Rate(settings.requests_per_minute, settings.rate_burst)
    if not settings.resolved_broker_url.startswith(("redis:", "rediss:")):
        yield InProcess(rate)
        return
    async with Redis.from_url(
        settings.resolved_broker_url,
        socket_timeout=REDIS_SECONDS,
        socket_connect_timeout=REDIS_SECONDS,
        # Once more at once, on a new connection: after a restart of Redis the old ones are dead.
        retry=Retry(NoBackoff(), 1),
    ) as redis:
        yield InRedis(rate, redis)
