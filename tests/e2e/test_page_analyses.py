"""The page with analyses: long recordings, results that the server keeps for a link, and the list of what it keeps."""

import re
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import expect

from tests.e2e.browser import INKED, PHONE, Open, Stack, Watched, axe, browser, opened

__all__ = ["axe", "browser", "opened"]  # fixtures

HEARING = 180_000  # milliseconds
RESULT = re.compile(r"/page/listen/analysis/[0-9a-f]{32}/0$")
FORMATS = [
    *("JSON", "JSON lines", "Table (CSV)", "Parquet", "Selection tables (Raven)", "One selection table (Raven)"),
    *("Labels (Audacity)", "Kaleidoscope", "Species list (CSV)", "As BirdNET writes it (CSV)"),
]


def choose(watched: Watched, *files: Path) -> None:
    watched.page.locator("#file").set_input_files(files)


def keep(watched: Watched, recording: Path) -> str:
    """Has the server keep a recording; the address of the result there."""
    watched.classify(recording)
    watched.page.locator("#keep").click()
    watched.page.wait_for_url(RESULT, timeout=HEARING)
    watched.state("result")
    return watched.page.url


def analyses(stack: Stack) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = httpx.get(f"{stack.url}/analyses").json()["items"]
    return items


def test_a_recording_too_long_to_wait_for_is_heard_by_the_server_and_drawn_where_one_looks(
    opened: Open, long_recording: Path
) -> None:
    watched = opened()
    page = watched.page
    choose(watched, long_recording)
    watched.state("analysis")
    expect(page.locator("#analysis-title")).to_have_text("Listening to dawn.flac …")
    expect(page.locator("#analysis-note")).to_contain_text("You may close this page")
    watched.is_accessible()
    page.reload()
    page.wait_for_url(RESULT, timeout=HEARING)
    watched.state("result")
    expect(page.locator("#verdict h1")).to_have_text(re.compile(r"species heard$"))
    expect(page.locator("#caption")).to_contain_text("dawn.flac, 16 min")
    page.wait_for_function(INKED)
    watched.is_accessible()

    # The last passage is played from where it is, and drawn there.
    # (Whether there are more than the eight shown at first depends on the model.)
    if page.locator("#heard-more").is_visible():
        page.locator("#heard-more").click()
    expect(page.locator("#play")).to_be_enabled()
    with page.expect_response(re.compile(r"/snippet\?start=900&end=960")):
        page.locator("#heard .passage").last.click()
    expect(page.locator(".seek")).to_have_attribute("aria-valuetext", re.compile(r"^15:1\d"))
    page.wait_for_function(INKED)
    for _ in range(5):
        page.locator("#zoom-out").click()
    expect(page.locator(".note")).to_contain_text("Zoom in to see the sonagram")


def test_a_result_that_the_server_keeps_opens_on_another_browser_until_somebody_removes_it(
    opened: Open, stack: Stack, garden_recording: Path
) -> None:
    watched = opened(permissions=["clipboard-read", "clipboard-write"])
    before = watched.classify(garden_recording)
    expect(watched.page.locator("#kept-note")).to_contain_text("Kept in this browser only")
    link = keep(watched, garden_recording)
    assert watched.page.evaluate("navigator.clipboard.readText()") == link
    expect(watched.page.locator("#kept-note")).to_contain_text("kept on the server")

    other = opened(link.removeprefix(stack.url))
    other.state("result")
    other.picture_is_drawn()
    expect(other.page.locator("#play")).to_be_enabled()
    expect(other.page.locator("#verdict .name")).to_have_text(before["ranking"][0]["common_name"])
    expect(other.page.locator("#caption")).to_contain_text(garden_recording.name)
    other.is_accessible()
    other.page.locator("#remove").click()
    other.is_accessible()
    other.page.get_by_role("dialog").get_by_role("button", name="Remove from the server").click()
    other.state("analyses")

    watched.page.reload()
    expect(watched.page.get_by_role("alert")).to_contain_text("This result is not on the server any more")
    watched.complaints[:] = [one for one in watched.complaints if "404" not in one]


def test_a_result_is_kept_once_however_often_one_asks(opened: Open, stack: Stack, garden_recording: Path) -> None:
    watched = opened()
    first = keep(watched, garden_recording)
    count = len(analyses(stack))
    watched.page.go_back()
    expect(watched.page.locator("#keep")).to_be_visible()
    watched.page.locator("#keep").click()
    watched.page.wait_for_url(first)
    assert len(analyses(stack)) == count


def test_what_the_server_keeps_is_downloaded_in_each_of_its_formats(opened: Open, garden_recording: Path) -> None:
    watched = opened()
    page = watched.page
    watched.classify(garden_recording)
    page.locator("#downloads summary").press("Enter")
    expect(page.locator("#downloads-need")).to_contain_text("once it is kept on the server")
    expect(page.locator("#downloads-formats")).to_be_hidden()
    keep(watched, garden_recording)
    page.locator("#downloads summary").press("Enter")
    expect(page.locator("#downloads-formats button")).to_have_text(FORMATS)
    watched.is_accessible()
    for name in FORMATS:
        with page.expect_download() as started:
            page.locator("#downloads-formats").get_by_role("button", name=name, exact=True).press("Enter")
        assert started.value.path().stat().st_size > 0
        assert started.value.suggested_filename.startswith("analysis-")


def test_the_recording_that_the_server_keeps_is_downloaded(opened: Open, garden_recording: Path) -> None:
    watched = opened()
    watched.classify(garden_recording)
    keep(watched, garden_recording)
    page = watched.page
    page.locator("#downloads summary").press("Enter")
    with page.expect_download() as started:
        page.get_by_role("button", name="The recording").click()
    assert started.value.path().read_bytes() == garden_recording.read_bytes()


def test_all_that_the_server_keeps_is_listed_opened_and_removed(
    opened: Open, stack: Stack, garden_recording: Path, tmp_path: Path
) -> None:
    letter = tmp_path / "letter.mp3"
    letter.write_text("Dear bird,\n" * 200)
    files = [("audio", (path.name, path.read_bytes())) for path in (garden_recording, letter)]
    httpx.post(f"{stack.url}/analyses", files=files).raise_for_status()
    watched = opened()
    page = watched.page
    page.get_by_role("link", name="What is kept on the server").click()
    watched.state("analyses")
    row = page.locator(".analysis-row").first
    expect(row).to_contain_text(f"{garden_recording.name} and 1 more")
    expect(row.locator(".state")).to_have_text("done")
    expect(row).to_contain_text("1 failed")
    watched.is_accessible()
    row.get_by_role("link").click()
    watched.state("analysis")
    lines = page.locator("#analysis-list > li")
    expect(lines).to_have_count(2)
    expect(lines.nth(1)).to_contain_text("not")
    watched.is_accessible()
    lines.nth(0).get_by_role("link").click()
    watched.state("result")
    page.locator("#back").click()
    watched.state("analysis")
    page.locator("#analysis-remove").click()
    expect(page.get_by_role("dialog")).to_contain_text("All 2 recordings")
    page.get_by_role("dialog").get_by_role("button", name="Remove from the server").click()
    watched.state("analyses")
    expect(page.locator(".analysis-row", has_text=f"{garden_recording.name} and 1 more")).to_have_count(0)


def test_a_hearing_is_stopped_from_the_list(opened: Open, stack: Stack, long_recording: Path) -> None:
    with long_recording.open("rb") as file:
        httpx.post(f"{stack.url}/analyses", files={"audio": ("night.flac", file)}, timeout=60).raise_for_status()
    watched = opened("/page/listen/analyses", locale="de-DE", viewport=PHONE)
    row = watched.page.locator(".analysis-row", has_text="night.flac")
    row.get_by_role("button", name="Anhalten: night.flac").click()
    expect(row.locator(".state")).to_have_text("abgebrochen")
    watched.is_accessible()
    row.get_by_role("button", name="Entfernen: night.flac").click()
    watched.page.get_by_role("dialog").get_by_role("button", name="Vom Server entfernen").click()
    expect(row).to_have_count(0)
