"""What is S3's own: its errors in plain words, and the local copies."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from shared.errors import StorageRefused, StorageUnreachable
from shared.settings import Settings
from shared.storage import Storage, storage_from
from tests.support.servers import ObjectStore, free_port


def changed(settings: Settings, **values: object) -> Storage:
    return storage_from(Settings.model_validate({**settings.model_dump(), **values}))


def uses(storage: Storage) -> list[Callable[[], object]]:
    return [
        storage.check,
        lambda: storage.existing("a/b"),
        lambda: write(storage, "a/b"),
        lambda: list(storage.keys()),
    ]


def write(storage: Storage, key: str) -> None:
    with storage.writing(key) as part:
        part.write_bytes(b"song")


def test_a_bucket_that_is_not_there_is_named(s3_settings: Settings) -> None:
    storage = changed(s3_settings, storage_url="s3://no-such-bucket")
    for use in uses(storage):
        with pytest.raises(StorageRefused, match="no bucket no-such-bucket") as caught:
            use()
        assert "CHIFFCHAFF_STORAGE_URL" in caught.value.hint


@pytest.fixture
def strict(object_store: ObjectStore) -> Iterator[None]:
    """The server looks at keys, and knows none."""
    ask = f"{object_store.url}/moto-api/reset-auth"
    httpx.post(ask, content=b"0").raise_for_status()
    yield
    httpx.post(ask, content=b"1000000").raise_for_status()


@pytest.mark.usefixtures("strict")
def test_a_wrong_key_is_refused_for_good(s3_settings: Settings) -> None:
    storage = storage_from(s3_settings)
    for use in uses(storage):
        with pytest.raises(StorageRefused, match="refuses the key") as caught:
            use()
        assert "CHIFFCHAFF_S3_ACCESS_KEY" in caught.value.hint


def test_a_server_that_is_away_may_come_back(s3_settings: Settings) -> None:
    storage = changed(s3_settings, s3_endpoint_url=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(StorageUnreachable, match="does not answer"):
        write(storage, "a/b")
    assert not list(storage.incoming.iterdir())


def test_what_is_read_twice_is_fetched_once(s3_settings: Settings, tmp_path: Path) -> None:
    write(storage_from(s3_settings), "a/b")
    elsewhere = changed(s3_settings, data_dir=tmp_path / "elsewhere")
    first = elsewhere.existing("a/b")
    inode = first.stat().st_ino
    assert elsewhere.existing("a/b").stat().st_ino == inode
    first.unlink()
    assert elsewhere.existing("a/b").read_bytes() == b"song", "a copy that is gone is fetched again"


def test_two_prefixes_of_a_bucket_do_not_see_each_other(s3_settings: Settings, object_store: ObjectStore) -> None:
    write(storage_from(s3_settings), "a/b")
    other = changed(s3_settings, storage_url=f"s3://{object_store.bucket}/another/place/")
    assert not other.exists("a/b")
    write(other, "a/c")
    assert list(other.keys()) == ["a/c"]


def test_a_listing_goes_on_after_its_first_page(s3_settings: Settings, object_store: ObjectStore) -> None:
    storage = storage_from(s3_settings)
    names = {f"many/{n}" for n in range(2 * object_store.page + 1)}
    for name in names:
        write(storage, name)
    assert set(storage.keys("many")) == names
