"""What a request may use, as `Annotated` dependencies, so that a route's signature reads as prose."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncEngine

from shared import storage as stores
from shared.db.engine import AsyncSessions, async_engine, async_sessions, reading_sessions
from shared.settings import Settings


@dataclass(frozen=True)
class Resources:
    """Made when an API starts, disposed of when it stops."""

    settings: Settings
    engine: AsyncEngine
    reads: AsyncSessions
    writes: AsyncSessions
    storage: stores.Storage


@asynccontextmanager
async def open_resources(settings: Settings) -> AsyncIterator[Resources]:
    engine = async_engine(settings)
    settings.scratch_dir.mkdir(parents=True, exist_ok=True)
    try:
        storage = stores.storage_from(settings)
        yield Resources(settings, engine, reading_sessions(engine), async_sessions(engine), storage)
    finally:
        await engine.dispose()


def get_resources(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources


# Asynchronous, because FastAPI calls every other function in a thread.
async def get_reads(request: Request) -> AsyncSessions:
    return get_resources(request).reads


async def get_writes(request: Request) -> AsyncSessions:
    return get_resources(request).writes


async def get_storage(request: Request) -> stores.Storage:
    return get_resources(request).storage


async def get_settings(request: Request) -> Settings:
    return get_resources(request).settings


Reads = Annotated[AsyncSessions, Depends(get_reads)]
"""Sessions of a route that only reads."""
Writes = Annotated[AsyncSessions, Depends(get_writes)]
"""Sessions of a route that writes; it commits before it answers."""
Storage = Annotated[stores.Storage, Depends(get_storage)]
Config = Annotated[Settings, Depends(get_settings)]
