"""Settings come from the environment, secrets also from files, and placeholders are refused."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from shared.keys import digest
from shared.settings import REPOSITORY, Settings


def test_the_defaults_need_no_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings()
    assert settings.resolved_database_url == f"sqlite:///{tmp_path}/data/chiffchaff.sqlite"
    assert settings.resolved_broker_url.startswith("folder:")
    assert settings.storage_dir == tmp_path / "data" / "storage"


def test_a_secret_may_come_from_a_file_and_the_variable_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("a-key-from-a-file-000\n")
    monkeypatch.setenv("CHIFFCHAFF_API_KEYS_FILE", str(tmp_path / "key"))
    assert [one.sha256 for one in Settings().configured_keys] == [digest("a-key-from-a-file-000")]
    monkeypatch.setenv("CHIFFCHAFF_API_KEYS", "a-key-from-the-variable")
    assert [one.sha256 for one in Settings().configured_keys] == [digest("a-key-from-the-variable")]


def test_a_secret_file_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHIFFCHAFF_DATABASE_URL_FILE", "/none/such")
    with pytest.raises(ValueError, match="cannot be read"):
        Settings()


@pytest.mark.parametrize("key", ["change-me", "short", "a-long-enough-key-000,secret"])
def test_a_placeholder_or_a_short_key_is_refused(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("CHIFFCHAFF_API_KEYS", key)
    with pytest.raises(ValidationError, match="token_urlsafe"):
        Settings()


def test_a_segmentation_that_is_none_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValidationError, match="one of contrast, sprengel2016, original, not birdy"):
        Settings(segmentation="birdy")


def test_secrets_do_not_show_when_settings_are_printed() -> None:
    settings = Settings.model_validate({"api_keys": "a-very-private-key-00", "xeno_canto_key": "another-private-one"})
    assert "private" not in repr(settings)


def test_the_operations_guide_lists_every_setting_and_no_other() -> None:
    guide = (REPOSITORY / "docs" / "operations.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `CHIFFCHAFF_([A-Z0-9_]+)` \|", guide, re.MULTILINE))
    assert listed == {name.upper() for name in Settings.model_fields}


def test_a_bucket_and_what_its_keys_begin_with_stand_in_the_storage_url() -> None:
    assert Settings(storage_url="s3://birds").s3_place == ("birds", "")
    assert Settings(storage_url="s3://birds/garden/2026/").s3_place == ("birds", "garden/2026/")


@pytest.mark.parametrize("url", ["s3://", "s3:///garden", "ftp://birds", "/srv/birds"])
def test_a_storage_url_that_names_no_storage_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="STORAGE_URL must look like"):
        Settings(storage_url=url)


def test_half_a_key_to_a_bucket_is_refused() -> None:
    with pytest.raises(ValidationError, match="belong together"):
        Settings.model_validate({"storage_url": "s3://birds", "s3_access_key": "somebody"})
