"""What an object store answers, in words of the house: what may pass, and what an operator has to set right."""

from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import ClientError as ConnectionBroken
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, NoCredentialsError, PartialCredentialsError
from botocore.exceptions import ConnectionError as NotConnected

from shared.errors import ChiffchaffError, StorageRefused, StorageUnreachable
from shared.storage.files import missing

PASSING_STATUS = frozenset({408, 429, 500, 502, 503, 504})
KEYS_HINT = "Check CHIFFCHAFF_S3_ACCESS_KEY, CHIFFCHAFF_S3_SECRET_KEY, and what the key may do with the bucket."


@contextmanager
def spoken_plainly(bucket: str, key: str = "") -> Iterator[None]:
    """Errors of the block as NotFound, StorageUnreachable or StorageRefused; those of the local disk as they are."""
    try:
        yield
    except ChiffchaffError:
        raise
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise StorageRefused(f"There are no keys for the bucket {bucket}.", hint=KEYS_HINT) from error
    except (NotConnected, HTTPClientError, ConnectionBroken, ConnectionError, TimeoutError) as error:
        raise StorageUnreachable(
            f"The object store does not answer: {_first_line(error)}.",
            hint="Try again in a while. If it stays so: is it running, and is CHIFFCHAFF_S3_ENDPOINT_URL its address?",
        ) from error
    except (BotoCoreError, ValueError) as error:
        raise StorageRefused(
            f"The bucket {bucket} cannot be used: {_first_line(error)}.",
            hint="Check CHIFFCHAFF_STORAGE_URL, CHIFFCHAFF_S3_ENDPOINT_URL and CHIFFCHAFF_S3_REGION.",
        ) from error
    except OSError as error:
        if isinstance(error.__cause__, ClientError):
            raise _answered(error.__cause__, bucket, key) from error
        raise


def _answered(error: ClientError, bucket: str, key: str) -> ChiffchaffError:
    code = str(error.response["Error"].get("Code", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code == "NoSuchBucket" or (status == 404 and not key):
        return StorageRefused(
            f"There is no bucket {bucket}.", hint="Make it, or name another one in CHIFFCHAFF_STORAGE_URL."
        )
    if status == 404:
        return missing(key)
    if status in PASSING_STATUS or code == "SlowDown":
        return StorageUnreachable(f"The object store is in trouble: {_first_line(error)}.")
    if status in (401, 403):
        return StorageRefused(f"The bucket {bucket} refuses the key: {_first_line(error)}.", hint=KEYS_HINT)
    return StorageRefused(f"The object store refuses: {_first_line(error)}.")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
