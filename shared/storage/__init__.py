"""Files that outlive a request: originals, prepared audio, datasets, models. In a directory, or in an S3 bucket."""

import shutil

from shared.errors import StorageRefused
from shared.settings import Settings
from shared.storage.files import FileStorage
from shared.storage.interface import BLOCK_BYTES, Entry, Storage, Stored, content_key, sha256_in

__all__ = [
    "BLOCK_BYTES",
    "Entry",
    "FileStorage",
    "Storage",
    "Stored",
    "content_key",
    "sha256_in",
    "shortage",
    "storage_from",
]


def storage_from(settings: Settings) -> Storage:
    """The storage that CHIFFCHAFF_STORAGE_URL names. Nothing is reached yet.

    Raises:
        StorageRefused: for `s3://` where the packages that speak S3 are not installed.
    """
    storage = _s3(settings) if settings.storage_is_s3 else FileStorage(settings.storage_dir)
    storage.sweep()
    return storage


def _s3(settings: Settings) -> Storage:
    try:
        # Only who uses it waits for its import.
        from shared.storage.s3 import S3Storage
    except ModuleNotFoundError as error:
        raise StorageRefused(
            f"s3:// needs the package {error.name}.", hint="Install it with `pip install 'chiffchaff[s3]'`."
        ) from error
    return S3Storage(settings)


def shortage(storage: Storage, settings: Settings) -> str:
    """What a person is told while the disk is nearly full; empty while it is not."""
    free, disk = storage.free_bytes(), "storage"
    if free is None:
        free, disk = shutil.disk_usage(settings.data_dir).free, "data directory"
    free_mb = free >> 20
    if free_mb >= settings.min_free_disk_mb:
        return ""
    return (
        f"the disk of the {disk} has {free_mb:,} MB left, and {settings.min_free_disk_mb:,} MB are kept free "
        "(CHIFFCHAFF_MIN_FREE_DISK_MB)."
    )
