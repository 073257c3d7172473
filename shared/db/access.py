"""Who may call the APIs: keys, of which only the hash is kept."""

from datetime import datetime

from sqlalchemy import Connection, Index, inspect, select, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.db.base import Base, Id, new_id, now


class ApiKey(Base):
    """A key that was given out. Rows stay when it is revoked: that there was one is why the others ask for one."""

    __tablename__ = "api_keys"
    __table_args__ = (
        Index("ix_api_keys_created", "created_at", "id"),
        Index(
            "uq_api_keys_live_name",
            "name",
            unique=True,
            sqlite_where=text("revoked_at IS NULL"),
            postgresql_where=text("revoked_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    name: Mapped[str]
    sha256: Mapped[str] = mapped_column(unique=True)
    prefix: Mapped[str]
    """Its first characters, by which its owner knows it again."""
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    """Right to a minute or so."""
    revoked_at: Mapped[datetime | None]

    def is_live(self, moment: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or moment < self.expires_at)


def was_a_key_given_out(connection: Connection) -> bool:
    """Also of a database whose schema is older than keys are."""
    if not inspect(connection).has_table(ApiKey.__tablename__):
        return False
    return connection.execute(select(ApiKey.id).limit(1)).first() is not None
