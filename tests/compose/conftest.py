"""One container stack for all tests here. Whatever happens, it is taken down with all that it stored."""

from collections.abc import Iterator

import pytest

from tests.compose.stack import Stack, prepare_engine

MAX_UPLOAD_MB = 8
SETTINGS = {
    "CHIFFCHAFF_MAX_UPLOAD_MB": str(MAX_UPLOAD_MB),
    "CHIFFCHAFF_LEASE_SECONDS": "6",
    "CHIFFCHAFF_TORCH_THREADS": "1",
    "CHIFFCHAFF_WORKER_CONCURRENCY": "2",
}


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    prepare_engine()
    running = Stack(tmp_path_factory.mktemp("compose"), SETTINGS)
    try:
        running.up()
        yield running
    except (RuntimeError, AssertionError) as error:
        pytest.fail(f"the stack did not come up: {error}\n{running.logs()}")
    finally:
        if request.session.testsfailed:
            troubled = running.troubled()
            print(f"not healthy: {', '.join(troubled) or 'none'}\n{running.logs()}")  # noqa: T201 (for who reads the failure)
        running.down()
