"""Library and Jobs in a real browser: recordings come in, are found, heard and corrected; what failed is said."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browser import INKED, PHONE, Open, Watched, axe, browser, opened
from tests.support.sounds import SPECIES, write_folder
from tests.support.stack import Stack, running
from tests.support.waiting import until
from tests.support.xeno_canto_server import XenoCanto, sound

__all__ = ["axe", "browser", "opened"]  # fixtures
MERULA, COELEBS = "Turdus merula", "Fringilla coelebs"


@pytest.fixture(scope="module")
def xeno_canto() -> Iterator[XenoCanto]:
    with XenoCanto().running() as server:
        for number in range(1, 4):
            server.add(number, SPECIES[number % 2], content=sound(number, 4.0, SPECIES[number % 2]))
        server.add(4, lic="//creativecommons.org/licenses/by-nc-nd/4.0/")
        yield server


@pytest.fixture(scope="module")
def stack(xeno_canto: XenoCanto, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(
        tmp_path_factory.mktemp("library"), {"CHIFFCHAFF_WORKER_CONCURRENCY": "1", **xeno_canto.variables}
    ) as made:
        yield made


@pytest.fixture(scope="module")
def filled(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The ingestion of a folder with blackbirds in Berlin, chaffinches in Peru, and a letter."""
    folder = tmp_path_factory.mktemp("birds")
    for wav, species in zip(
        sorted(write_folder(folder / "made", per_species=2)), [MERULA] * 2 + [COELEBS] * 2, strict=True
    ):
        (folder / species).mkdir(exist_ok=True)
        shutil.move(wav, folder / species / f"{species} {wav.name}")
    shutil.rmtree(folder / "made")
    (folder / MERULA / "letter.mp3").write_text("Dear bird,\n" * 200)
    ingestion: dict[str, Any] = stack.ingest(folder)
    places = {
        MERULA: {"latitude": 52.5, "longitude": 13.4, "country": "Germany", "quality": "A", "licence": "CC BY 4.0"},
        COELEBS: {"latitude": -12.0, "longitude": -77.0, "country": "Peru", "recordist": "Ann"},
    }
    for one in stack.get("/recordings")["items"]:
        assert stack.send("PATCH", f"/recordings/{one['id']}", json=places[one["species"]]).is_success
    return ingestion


def rows(page: Page) -> Any:
    return page.locator("#recordings-list > li")


def forgive(watched: Watched, path: str) -> None:
    """The browser notes every refusal as an error; the page says what it means."""
    watched.complaints[:] = [one for one in watched.complaints if "Failed to load resource" not in one]
    assert any(path in url for url in watched.requests)


def test_recordings_are_found_by_any_name_of_their_species_and_by_more(opened: Open, filled: dict[str, Any]) -> None:
    watched = opened("/page/library")
    page = watched.page
    expect(rows(page)).to_have_count(4)
    expect(page.locator("#count")).to_contain_text("4 recordings")
    watched.is_accessible()
    page.locator("#filters").get_by_label("Species").fill("ams")
    expect(page.locator("#species-names option")).to_have_attribute("value", "Common Blackbird")
    page.locator("#filters").get_by_label("Species").fill("Amsel")
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_count(2)
    expect(rows(page).first).to_contain_text("Common Blackbird")
    expect(rows(page).first.get_by_role("link", name="CC BY 4.0")).to_have_attribute(
        "href", "https://creativecommons.org/licenses/by/4.0/"
    )
    page.locator("#more-filters summary").click()
    page.locator("#filters").get_by_label("Recordist").fill("Ann")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Nothing fits")).to_be_visible()
    watched.is_accessible()
    page.get_by_role("button", name="Leave out Species: Amsel").click()
    expect(rows(page)).to_have_count(2)
    expect(rows(page).first).to_contain_text("Common Chaffinch")
    page.reload()
    expect(rows(page)).to_have_count(2)
    page.get_by_role("button", name="Leave out Recordist: Ann").click()
    page.locator("#more-filters summary").click()
    page.get_by_role("checkbox", name="A", exact=True).check()
    expect(rows(page)).to_have_count(2)
    page.go_back()
    expect(rows(page)).to_have_count(4)


def test_a_library_longer_than_a_page_comes_as_one_scrolls(opened: Open, filled: dict[str, Any]) -> None:
    def in_twos(page: Page) -> None:
        page.route("**/recordings?*", lambda route: route.continue_(url=f"{route.request.url}&limit=2"))

    watched = opened("/page/library", prepare=in_twos, viewport={"width": 1280, "height": 400})
    expect(rows(watched.page)).to_have_count(2)
    watched.page.mouse.wheel(0, 5000)
    expect(rows(watched.page)).to_have_count(4)
    expect(watched.page.locator("#recordings-more")).to_be_hidden()


def test_thin_species_are_pointed_out_and_lead_to_their_recordings(opened: Open, filled: dict[str, Any]) -> None:
    watched = opened("/page/library/species")
    page = watched.page
    expect(page.locator("#statistics-summary")).to_have_text("2 species. 2 of them are thin.")
    row = page.get_by_role("row", name="Common Blackbird")
    expect(row).to_contain_text("few recordings; only 0 recordists; less than a minute of song")
    expect(row).to_contain_text("2 A")
    watched.is_accessible()
    page.get_by_label("Order by").select_option("name")
    expect(page.locator("#statistics th").first).to_contain_text("Common Blackbird")
    row.get_by_role("link").click()
    expect(rows(page)).to_have_count(2)


def test_a_circle_on_the_map_leads_to_the_recordings_of_its_place(opened: Open, filled: dict[str, Any]) -> None:
    watched = opened("/page/library/map")
    page = watched.page
    expect(page.locator("#world a")).to_have_count(2)
    watched.is_accessible()
    page.locator("#map-out").click()
    page.locator("#world").press("+")
    circle = page.get_by_role("link", name="2 recordings near 12° S, 77° W")
    circle.focus()
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_count(2)
    expect(rows(page).first).to_contain_text("Common Chaffinch")
    expect(page.locator("#chips")).to_contain_text("Place: -12.0° to -12.0° north")


def test_a_recording_is_seen_heard_corrected_deleted_and_restored(opened: Open, filled: dict[str, Any]) -> None:
    watched = opened("/page/library?species=Amsel")
    page = watched.page
    rows(page).first.get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Common Blackbird")
    watched.picture_is_drawn()
    expect(page.locator("#legend")).to_contain_text("with a bird")
    expect(page.locator("#one-title ~ .credit-big")).to_contain_text("CC BY 4.0")
    watched.is_accessible()
    page.locator("#next-signal").click()
    expect(page.locator("#play")).to_have_attribute("data-playing", "true")
    page.locator("#play").click()
    with page.expect_download() as download:
        page.locator("#original").click()
    assert download.value.suggested_filename.endswith(".wav")

    page.locator("#correct").click()
    dialog = page.get_by_role("dialog")
    watched.is_accessible()
    dialog.get_by_label("Degrees north").fill("")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_contain_text("A place has a latitude and a longitude.")
    dialog.get_by_label("Degrees north").fill("48.1")
    dialog.get_by_label("Species, in any language").fill("Rotkehlchen")
    dialog.get_by_label("Recordist").fill("Ben")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("European Robin")
    expect(page.locator("#one-title ~ .credit-big")).to_contain_text("Ben")

    page.locator("#delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator("#recording-notice")).to_contain_text("It is in no list")
    page.locator("#restore").click()
    expect(page.locator("#recording-notice")).to_be_hidden()
    page.go_back()
    expect(rows(page)).to_have_count(1)
    forgive(watched, "/recordings")


def test_a_long_recording_is_drawn_where_one_looks(opened: Open, stack: Stack, long_recording: Path) -> None:
    sent = stack.send("POST", "/recordings", files={"audio": ("dawn.flac", long_recording.read_bytes())}).json()
    stack.ended(f"/jobs/{sent['job']['id']}")
    recording = sent["recording"]["id"]
    page = opened(f"/page/library/recordings/{recording}").page
    expect(page.locator("#caption")).to_contain_text("16 min")
    page.wait_for_function(INKED)
    expect(page.locator("#play")).to_be_enabled()
    stack.send("DELETE", f"/recordings/{recording}")


def test_what_a_folder_brought_in_and_what_was_refused_is_said(opened: Open, filled: dict[str, Any]) -> None:
    watched = opened("/page/library/add/folder")
    page = watched.page
    watched.is_accessible()
    page.get_by_label("Path on the server").fill(filled["parameters"]["path"])
    page.get_by_role("button", name="Bring it in").click()
    expect(page.locator("#ingestion-standing")).to_contain_text("4 recordings of it are ready to learn from.")
    expect(page.locator("[data-count=refused] dd")).to_have_text("1")
    expect(page.locator("#left-out-list > li")).to_contain_text("letter.mp3")
    watched.is_accessible()
    page.get_by_role("link", name="See the recordings").click()
    expect(rows(page)).to_have_count(4)
    page.goto(f"{watched.base}/page/library/add/folder")
    page.get_by_label("Path on the server").fill("/nowhere/at/all")
    page.get_by_role("button", name="Bring it in").click()
    expect(page.locator("#ingestion-standing")).to_contain_text("There is no folder /nowhere/at/all")


def test_uploads_show_how_far_they_are_and_why_one_was_refused(
    opened: Open, stack: Stack, tmp_path: Path, filled: dict[str, Any]
) -> None:
    good, letter = tmp_path / "song.wav", tmp_path / "letter.mp3"
    good.write_bytes(sound(77, 4.0))
    letter.write_text("Dear bird,\n" * 200)
    watched = opened("/page/library/add/upload")
    page = watched.page
    page.locator("#upload").get_by_label("Species").fill("Buchfink")
    page.locator("#upload").get_by_label("Recordist").fill("Cleo")
    page.locator("#files").set_input_files([letter, good])
    uploads = page.locator("#uploads > li")
    expect(uploads.nth(0)).to_contain_text("This is not a sound recording")
    expect(uploads.nth(1)).to_contain_text("In the library.")
    expect(page.locator("#upload-count")).to_have_text("2 of 2 done")
    assert len(asked(watched, "/jobs/events")) == 1
    watched.is_accessible()
    uploads.nth(1).get_by_role("link", name="To the recording").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Common Chaffinch")
    expect(page.locator("#one-title ~ .credit-big")).to_contain_text("Cleo")
    stack.send("DELETE", f"/recordings/{page.url.rsplit('/', 1)[1]}")
    forgive(watched, "/recordings")


def test_xeno_canto_is_looked_at_before_anything_is_downloaded(opened: Open, stack: Stack) -> None:
    before = stack.get("/recordings/count")["recordings"]
    watched = opened("/page/library/add")
    page = watched.page
    watched.is_accessible()
    page.get_by_role("button", name="See what there is").click()
    expect(page.get_by_role("alert")).to_contain_text("name at least a species")
    page.locator("#xeno-canto [name=species]").fill(", ".join(SPECIES))
    page.get_by_role("button", name="See what there is").click()
    preview = page.locator("#preview")
    expect(preview.get_by_role("heading", level=2)).to_contain_text("3 recordings")
    expect(preview).to_contain_text("Its licence allows no derivatives")
    expect(preview).to_contain_text("CC BY-NC-SA 4.0")
    watched.is_accessible()
    assert stack.get("/recordings/count")["recordings"] == before
    preview.get_by_role("button", name="Download these 3").click()
    expect(page.locator("#ingestion-standing")).to_contain_text("3 recordings of it are ready")
    expect(page.locator("#ingestion-title")).to_contain_text(SPECIES[0])
    forgive(watched, "/ingestions")
    for one in stack.get("/recordings", source="xeno-canto")["items"]:
        stack.send("DELETE", f"/recordings/{one['id']}")


def test_jobs_say_what_failed_and_are_retried_and_cancelled(opened: Open, stack: Stack, filled: dict[str, Any]) -> None:
    failed = stack.send("POST", "/ingestions", json={"source": "folder", "path": "/nowhere"}).headers["location"]
    stack.ended(failed)
    watched = opened("/page/jobs")
    page = watched.page
    top = page.locator("#jobs > li").first
    expect(top).to_contain_text("Bring recordings in")
    expect(top.locator(".reason").first).to_contain_text("There is no folder /nowhere")
    watched.is_accessible()
    ended = stack.get(failed)["job"]["finished_at"]
    top.get_by_role("button", name="Retry: Bring recordings in").click()
    until(lambda: stack.get(failed)["job"]["finished_at"] not in (None, ended), what="the end of the second try")
    expect(top.locator(".state").first).to_have_text("failed")

    folded = page.locator("#jobs > li", has_text="What it started").last
    folded.locator("summary").click()
    expect(folded.locator(".jobs > li").first).to_contain_text("Prepare a recording")
    watched.is_accessible()
    page.get_by_label("Kind").select_option("preprocess.prepare")
    expect(page.locator("#jobs > li").first).to_contain_text("Prepare a recording")
    page.get_by_label("Kind").select_option("")
    page.get_by_role("button", name=re.compile(r"^failed \d")).click()
    expect(page.locator("#jobs > li").first.locator(".state")).to_have_text("failed")
    page.go_back()
    expect(page.get_by_role("button", name="All")).to_have_attribute("aria-pressed", "true")


def test_jobs_are_shown_live_and_all_that_gave_up_are_retried_at_once(opened: Open, filled: dict[str, Any]) -> None:
    job = {
        "id": "a" * 32, "kind": "trainer.train", "about": None, "state": "running", "attempts": 1, "max_attempts": 4,
        "cancel_requested": False, "error": None, "result": None, "parent_id": None, "finished_at": None,
        "created_at": "2026-11-27T01:00:00Z", "started_at": "2026-11-27T01:00:00Z",
        "progress": {"done": 3, "total": 10, "message": "epoch 3", "fraction": 0.3, "seconds_left": 120},
    }  # fmt: skip
    dead = job | {"state": "dead", "finished_at": "2026-11-27T01:02:00Z", "error": {"code": "x", "detail": "No disk."}}
    shown = [job]

    def counts() -> list[dict[str, Any]]:
        return [{"kind": one["kind"], "state": one["state"], "jobs": 1} for one in shown]

    def moved() -> str:
        told = {"jobs": {"jobs": shown, "below": []}, "counts": counts()}
        return "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in told.items())

    def played(page: Page) -> None:
        page.route("**/jobs?*", lambda route: route.fulfill(json={"items": [job], "next": None}))
        page.route("**/jobs/counts*", lambda route: route.fulfill(json=counts()))
        page.route("**/jobs/events?*", lambda route: route.fulfill(content_type="text/event-stream", body=moved()))
        page.route("**/jobs/retry", lambda route: (shown.__setitem__(0, job), route.fulfill(json={"queued": 1})))

    watched = opened("/page/jobs", prepare=played)
    page = watched.page
    row = page.locator("#jobs > li")
    expect(row).to_contain_text("30% · about 2 min left · epoch 3")
    row.get_by_role("button", name="Cancel: Train a model").focus()
    shown[0] = job | {"progress": job["progress"] | {"fraction": 0.6, "message": "epoch 6"}}
    expect(row).to_contain_text("60%")
    expect(row.get_by_role("button", name="Cancel: Train a model")).to_be_focused()
    shown[0] = dead
    expect(row.locator(".reason")).to_have_text("No disk.")
    page.get_by_role("button", name="Retry the one that gave up").click()
    expect(page.locator("#toasts")).to_contain_text("1 job is queued once more.")
    expect(row.locator(".state")).to_have_text("running")


def asked(watched: Watched, path: str) -> list[str]:
    """What the page has asked for under exactly this path."""
    return [url for url in watched.requests if urlsplit(url).path == path]


def test_a_job_moves_on_the_page_though_the_page_asks_for_nothing(
    opened: Open, stack: Stack, filled: dict[str, Any]
) -> None:
    watched = opened("/page/jobs")
    page = watched.page
    until(lambda: page.evaluate("1") and len(asked(watched, "/jobs")) == 2, what="the list, once the stream is there")
    before = page.locator("#jobs > li").count()
    stack.send("POST", "/ingestions", json={"source": "folder", "path": filled["parameters"]["path"]})
    row = page.locator("#jobs > li").first
    expect(page.locator("#jobs > li")).to_have_count(before + 1)
    expect(row.locator(".state").first).to_have_text("done")
    expect(row).to_contain_text("Bring recordings in")
    assert (len(asked(watched, "/jobs")), len(asked(watched, "/jobs/events"))) == (2, 1)


def test_a_page_that_nobody_sees_holds_no_stream_and_misses_nothing(
    opened: Open, stack: Stack, filled: dict[str, Any]
) -> None:
    watched = opened("/page/jobs")
    page = watched.page
    closed: list[str] = []
    page.on("requestfailed", lambda request: closed.append(urlsplit(request.url).path))
    until(lambda: page.evaluate("1") and len(asked(watched, "/jobs")) == 2, what="the list, once the stream is there")
    before = page.locator("#jobs > li").count()
    see = """hidden => {
        Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    page.evaluate(see, True)
    until(lambda: page.evaluate("1") and closed == ["/jobs/events"], what="the end of the stream")
    stack.ended(stack.send("POST", "/ingestions", json={"source": "folder", "path": "/nowhere"}).headers["location"])
    assert page.locator("#jobs > li").count() == before
    page.evaluate(see, False)
    expect(page.locator("#jobs > li")).to_have_count(before + 1)
    expect(page.locator("#away")).to_be_hidden()
    assert (len(asked(watched, "/jobs")), len(asked(watched, "/jobs/events"))) == (2, 2)


@pytest.mark.parametrize(
    "options", [{"color_scheme": "dark"}, {"viewport": PHONE}, {"locale": "de-DE"}], ids=["dark", "phone", "german"]
)
def test_everybody_can_use_each_part(
    opened: Open, stack: Stack, filled: dict[str, Any], options: dict[str, Any]
) -> None:
    recording = stack.get("/recordings", limit=1)["items"][0]["id"]
    watched = opened("/page/library", **options)
    page = watched.page
    for path in (
        "library",
        "library/species",
        "library/map",
        f"library/recordings/{recording}",
        "library/add",
        "library/add/folder",
        "library/add/upload",
        f"library/ingestions/{filled['id']}",
        "jobs",
    ):
        page.goto(f"{watched.base}/page/{path}")
        expect(page.locator("main h1:visible")).to_have_count(1)
        if path == "jobs":  # its stream stays open
            expect(page.locator("#jobs .state").first).to_be_visible()
        else:
            page.wait_for_load_state("networkidle")
        watched.is_accessible()
        wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        assert not wide, f"{path} is wider than the screen"


def test_leaving_a_recording_while_it_plays_ends_it(opened: Open, filled: dict[str, Any]) -> None:
    watched = opened("/")
    page = watched.page
    for name in ("Library", "Jobs", "Library"):
        page.get_by_role("navigation", name="Views").get_by_role("link", name=name).click()
        expect(page.locator("main h1:visible")).to_have_text(name)
    rows(page).first.get_by_role("link").first.click()
    expect(page.locator("#play")).to_be_enabled()
    page.locator("#play").click()
    expect(page.locator("#play")).to_have_attribute("data-playing", "true")
    page.get_by_role("link", name="Jobs").click()
    expect(page.locator("main h1:visible")).to_have_text("Jobs")


def test_a_server_that_goes_away_is_said_and_it_goes_on_when_it_is_back(
    opened: Open, stack: Stack, filled: dict[str, Any]
) -> None:
    watched = opened("/page/jobs")
    page = watched.page
    expect(page.locator("#jobs > li").first).to_be_visible()
    stack.interrupt()
    expect(page.locator("#away")).to_contain_text("The server does not answer")
    stack.start()
    expect(page.locator("#away")).to_be_hidden()
    failed = stack.send("POST", "/ingestions", json={"source": "folder", "path": "/nowhere"}).headers["location"]
    expect(page.locator("#jobs > li").first).to_contain_text("There is no folder /nowhere")
    stack.ended(failed)
    forgive(watched, "/jobs")


def test_a_recording_that_is_not_there_is_explained(opened: Open) -> None:
    watched = opened("/page/library/recordings/none")
    expect(watched.page.get_by_role("alert")).to_contain_text("There is no recording none.")
    watched.is_accessible()
    forgive(watched, "/recordings/none")
