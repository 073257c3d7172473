"""Alembic's environment: `shared.db.migrate` hands it a connection; the `alembic` command makes its own."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import JSON, Connection

from shared.db.base import UtcDateTime
from shared.db.engine import sync_engine
from shared.db.tables import Base
from shared.settings import Settings


def render_own_types(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Writes our column types by their names in `shared.db.base`."""
    if kind == "type" and isinstance(item, UtcDateTime | JSON):
        name = "UtcDateTime()" if isinstance(item, UtcDateTime) else "Json"
        autogen.imports.add(f"from shared.db.base import {name.removesuffix('()')}")
        return name
    return False


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        render_item=render_own_types,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with sync_engine(Settings()).begin() as made:
        run(made)
