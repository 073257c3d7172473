"""What a key is, and how the operator may write one down."""

import hashlib

import pytest
from pydantic import ValidationError

from shared.keys import SCOPES, configured_keys, digest, is_made_here, new_key
from shared.settings import Settings

HASH = hashlib.sha256(b"a-key-of-the-garden").hexdigest()


def test_a_new_key_is_marked_random_and_long() -> None:
    made = {new_key() for _ in range(200)}
    assert len(made) == 200
    assert all(is_made_here(key) and len(key) == 46 for key in made)
    assert not is_made_here("cc_short")


def test_a_plain_key_may_do_everything_and_only_its_hash_is_kept() -> None:
    (key,) = configured_keys(" a-long-enough-key-000 ,")
    assert key.scopes == set(SCOPES)
    assert key.sha256 == digest("a-long-enough-key-000")
    assert "a-long" not in repr(key)


def test_a_hashed_key_has_a_name_and_scopes() -> None:
    first, second = configured_keys(f"garden:classify+ingest:{HASH.upper()},a-long-enough-key-000")
    assert (first.id, first.name, first.scopes) == ("setting-garden", "garden", {"classify", "ingest"})
    assert first.sha256 == HASH
    assert second.id == "setting-2"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (f"garden:clasify:{HASH}", "no scope clasify"),
        (f"garden::{HASH}", "sha256sum"),
        (f"garden:classify:{HASH[:-1]}", "sha256sum"),
        (f"the garden:classify:{HASH}", "sha256sum"),
        (f"garden:classify+:{HASH}", "without a name"),
        ("change-me", "token_urlsafe"),
    ],
)
def test_what_is_written_down_wrongly_is_refused_with_how_it_would_be_right(
    monkeypatch: pytest.MonkeyPatch, entry: str, said: str
) -> None:
    monkeypatch.setenv("CHIFFCHAFF_API_KEYS", entry)
    with pytest.raises(ValidationError, match=said):
        Settings()
