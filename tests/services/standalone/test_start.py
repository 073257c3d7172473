"""What a start may not wait for: libraries that take a second to import are imported by who first needs them."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("modules", "slow"),
    [
        (
            "services.ingest.api, services.trainer.api, services.inference.api",
            {"torch", "sklearn", "scipy", "matplotlib"},
        ),
        # The ingest image, which draws pictures, has no torch.
        ("shared.audio.picture", {"torch", "matplotlib.pyplot"}),
        ("services.trainer.tasks", {"torch", "sklearn", "scipy", "fastapi"}),
        ("services.standalone.supervisor", {"torch", "sklearn", "scipy", "fastapi", "sqlalchemy", "celery"}),
        ("services.standalone.cli", {"torch", "sklearn", "scipy", "matplotlib", "fastapi", "sqlalchemy"}),
    ],
)
def test_slow_libraries_are_not_imported_at_the_start(modules: str, slow: set[str]) -> None:
    script = f"import sys, {modules}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not slow & set(loaded)
