"""Where keys are asked for: the command line makes one, and a person enters it on the page."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.browser import Open, axe, browser, opened
from tests.support.stack import Stack, running

__all__ = ["axe", "browser", "opened"]  # fixtures

MASTER = "a-key-that-is-long-enough"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("keys"), {"CHIFFCHAFF_API_KEYS": MASTER}) as made:
        yield made


def chiffchaff(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "chiffchaff"), *arguments, "--server", stack.url]
    environment = {**os.environ, "CHIFFCHAFF_API_KEY": MASTER}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)


def test_a_key_is_entered_once_and_serves_until_it_is_revoked(
    opened: Open, stack: Stack, garden_recording: Path
) -> None:
    key = chiffchaff(stack, "keys", "create", "visitor", "--scope", "classify").stdout.strip()
    watched = opened()
    page = watched.page
    page.locator("#file").set_input_files(garden_recording)
    expect(page.get_by_role("alert")).to_contain_text("This server asks for a key")
    expect(page.get_by_label("Key", exact=True)).to_be_focused()
    page.get_by_label("Key", exact=True).fill("cc_not-this-one")
    page.get_by_role("button", name="Use this key").click()
    expect(page.get_by_role("alert")).to_contain_text("That key does not fit")
    page.get_by_label("Key", exact=True).fill(key)
    page.keyboard.press("Enter")
    watched.state("result")
    expect(page.locator("#model")).to_contain_text("Model garden-birds")

    page.reload()
    expect(page.locator("#model")).to_contain_text("Model garden-birds")
    watched.classify(garden_recording)

    chiffchaff(stack, "keys", "revoke", "visitor")
    page.locator("#file").set_input_files(garden_recording)
    expect(page.get_by_role("alert")).to_contain_text("That key does not fit")
    # The browser notes each refusal of `GET /models` as an error.
    watched.complaints[:] = [one for one in watched.complaints if "401" not in one]
