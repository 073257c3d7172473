"""API keys: who may call. Only the answer that makes a key shows it."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from chiffchaff_client.answers import Answer
from chiffchaff_client.transport import Transport, at


class Key(Answer):
    """A key without itself; `prefix` is how it begins."""

    id: str
    name: str
    prefix: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class MadeKey(Key):
    """`key` is shown this once."""

    key: str


class Keys:
    """`chiffchaff.keys`; once there is a key, this needs one with the scope `admin`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def create(self, name: str, scopes: Sequence[str], *, expires_at: datetime | None = None) -> MadeKey:
        """Scopes are `classify`, `ingest`, `train` and `admin`. `expires_at` has a time zone; left out: never."""
        expiry = {} if expires_at is None else {"expires_at": expires_at.isoformat()}
        return self._transport.post("/keys", MadeKey, {"name": name, "scopes": [*scopes], **expiry})

    def list(self, *, limit: int | None = None) -> Iterator[Key]:
        """The newest first, revoked ones too; at most `limit`."""
        return self._transport.pages("/keys", Key, limit)

    def revoke(self, key_id: str) -> Key:
        """Within seconds it is of no use any more."""
        return self._transport.delete(at("keys", key_id), Key)
