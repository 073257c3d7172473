"""The page asks about what the model doubts; answers are given by keys, corrected, drawn, taken back."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Page, expect

from tests.e2e.browser import PHONE, Open, Prepare, Watched, axe, browser
from tests.e2e.browser import opened as opened_first
from tests.support.stack import Stack
from tests.support.waiting import until

__all__ = ["axe", "browser", "opened_first"]  # fixtures

pytestmark = pytest.mark.timeout(600)

PHONES = {"large": PHONE, "small": {"width": 360, "height": 640}}
SPECIES = ("fringilla-coelebs", "parus-major", "turdus-merula")


@dataclass(frozen=True)
class Heard:
    """An analysis, what the page asks about it, and what was said."""

    stack: Stack
    id: str

    @property
    def place(self) -> str:
        return f"/page/teach/{self.id}"

    def candidates(self, **narrowed: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.stack.get("/reviews/candidates", analysis=self.id, **narrowed)["items"]
        return items

    def reviews(self) -> list[dict[str, Any]]:
        """Newest first."""
        items: list[dict[str, Any]] = self.stack.get("/reviews", analysis=self.id)["items"]
        return items

    def taken(self, count: int) -> list[dict[str, Any]]:
        """The reviews, once so many are in the library."""

        def look() -> list[dict[str, Any]] | None:
            found = self.reviews()
            return found if [one["state"] for one in found] == ["succeeded"] * count else None

        return until(look, seconds=120, what=f"{count} reviews in the library")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One of their own, since what is taught stays in its library."""
    running = Stack(tmp_path_factory.mktemp("teach") / "data")
    running.start()
    yield running
    running.interrupt()


@pytest.fixture
def opened(opened_first: Open) -> Open:
    """By somebody who was asked whose recordings these are before, and did not say."""

    def open_page(path: str, *, prepare: Prepare | None = None, **options: Any) -> Watched:
        def prepared(page: Page) -> None:
            page.add_init_script("localStorage.setItem('chiffchaff-whose-recordings', '{}')")
            if prepare is not None:
                prepare(page)

        return opened_first(path, prepare=prepared, **options)

    return open_page


def hear(stack: Stack, *paths: Path) -> Heard:
    files = [("audio", (path.name, path.read_bytes())) for path in paths]
    accepted = stack.send("POST", "/analyses?min_confidence=0.1&top_k=10", files=files)
    analysis = stack.ended(accepted.headers["location"])
    assert analysis["state"] == "succeeded"
    return Heard(stack, analysis["id"])


@pytest.fixture
def heard(stack: Stack, recordings: Path) -> Heard:
    """Three recordings of which nothing has been asked yet."""
    return hear(stack, *[min((recordings / "garden20").glob(f"{species}-*.mp3")) for species in SPECIES])


def asks(page: Page, candidate: dict[str, Any]) -> None:
    """The card asks about that one, shows its sound, and takes keys."""
    expect(page.locator("#question-words h2")).to_have_text(
        re.compile(rf"Is this an? {re.escape(candidate['common_name'])}\?")
    )
    expect(page.locator("#question-words .overline")).to_contain_text(candidate["file"])
    expect(page.locator("#caption")).to_contain_text("Sonagram of")
    expect(page.locator("#review")).to_be_focused()


def without(watched: Watched, *statuses: str) -> None:
    """The browser notes each refused request as an error; the page says it in words."""
    watched.complaints[:] = [one for one in watched.complaints if not any(status in one for status in statuses)]


def is_made_well(watched: Watched, width: int) -> None:
    """By axe, and it scrolls only up and down."""
    watched.is_accessible()
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= width


def test_answers_by_single_keys_are_in_the_library_afterwards(opened: Open, heard: Heard) -> None:
    first, second, third, *rest = heard.candidates()
    watched = opened(heard.place)
    page = watched.page
    asks(page, first)
    watched.picture_is_drawn()
    is_made_well(watched, 1280)
    page.keyboard.press("y")
    asks(page, second)
    page.keyboard.press("n")
    asks(page, third)
    page.keyboard.press("Enter")
    if rest:
        asks(page, rest[0])
        page.keyboard.press("u")
    expect(page.locator("#lately-list li")).to_have_count(3 + bool(rest))
    said = [(one["candidate"], one["verdict"]) for one in reversed(heard.taken(3 + bool(rest)))]
    assert said[:3] == [(first["id"], "confirmed"), (second["id"], "noise"), (third["id"], "confirmed")]
    expect(page.locator("#taught-count")).to_contain_text(re.compile(r"^[34] answered"))
    page.locator("#lately-list li").last.get_by_role("link").click()
    expect(page.locator("#about")).to_contain_text(first["common_name"])


def test_whose_recordings_these_are_is_asked_once_before_the_first_answer(
    opened_first: Open, stack: Stack, recordings: Path
) -> None:
    heard = hear(stack, *sorted((recordings / "garden20").glob("pica-pica-*"))[:3])
    first, second, third, *_ = heard.candidates()
    watched = opened_first(heard.place)
    page, whose = watched.page, watched.page.locator("#whose-first")
    asks(page, first)
    expect(whose).to_contain_text("Whose recordings are these?")
    expect(page.get_by_role("button", name="Yes")).to_be_hidden()
    is_made_well(watched, 1280)
    page.keyboard.press("y")
    expect(page.get_by_role("button", name="Not now")).to_be_focused()
    assert heard.reviews() == []
    whose.get_by_label("Recorded by").fill("Ada")
    whose.get_by_label("Licence").fill("CC BY 4.0")
    whose.get_by_label("Licence").press("Enter")
    asks(page, first)
    expect(whose).to_be_hidden()
    page.keyboard.press("y")
    asks(page, second)
    [said] = heard.taken(1)
    recording = heard.stack.get(f"/recordings/{said['recording_id']}")
    assert (recording["recordist"], recording["licence_name"], recording["source"]) == ("Ada", "CC BY 4.0", "review")
    page.reload()
    asks(page, second)
    page.locator("#whose summary").click()
    page.locator("#whose").get_by_label("Recorded by").fill("Grace")
    page.locator("#review").focus()
    page.keyboard.press("y")
    asks(page, third)
    recording = heard.stack.get(f"/recordings/{heard.taken(2)[0]['recording_id']}")
    assert (recording["recordist"], recording["licence_name"]) == ("Grace", "CC BY 4.0")


def test_who_does_not_say_whose_recordings_these_are_is_not_asked_again(
    opened_first: Open, stack: Stack, recordings: Path
) -> None:
    heard = hear(stack, *sorted((recordings / "garden20").glob("corvus-corone-*"))[:3])
    first, second, third, *_ = heard.candidates()
    page = opened_first(heard.place).page
    asks(page, first)
    page.get_by_label("Recorded by").fill("A")
    page.keyboard.press("Escape")
    asks(page, first)
    page.keyboard.press("y")
    asks(page, second)
    page.reload()
    asks(page, second)
    page.keyboard.press("y")
    asks(page, third)
    assert {heard.stack.get(f"/recordings/{one['recording_id']}")["recordist"] for one in heard.taken(2)} == {""}


def without_stream(page: Page) -> None:
    """An open stream would keep the network busy for as long as the page is there."""
    page.route("**/jobs/events*", lambda route: route.fulfill(content_type="text/event-stream", body=": nothing\n\n"))


def test_the_next_question_is_there_at_once_with_its_sound(opened: Open, heard: Heard) -> None:
    first, second, *_ = heard.candidates()
    watched = opened(heard.place, prepare=without_stream)
    page = watched.page
    asks(page, first)
    page.wait_for_load_state("networkidle")
    page.route("**/snippet*", lambda route: route.abort())  # nothing more comes from the server
    page.keyboard.press("y")
    asks(page, second)
    watched.picture_is_drawn()
    without(watched, "ERR_FAILED")


def test_the_sound_is_that_of_the_question_however_quickly_one_goes_on(opened: Open, heard: Heard) -> None:
    queue = heard.candidates()
    seconds = {
        one["id"]: min(one["recording_seconds"], one["end"] + 3) - int(max(0, one["start"] - 3)) for one in queue
    }
    page = opened(heard.place, prepare=without_stream).page
    asks(page, queue[0])
    for _ in queue[1:]:
        page.keyboard.press("s")
    asks(page, queue[-1])
    page.wait_for_load_state("networkidle")
    shown = float(page.locator(".seek").get_attribute("aria-valuemax") or 0)
    assert shown == pytest.approx(seconds[queue[-1]["id"]], abs=0.11)


def test_another_species_is_named_by_a_number_and_by_a_field(opened: Open, heard: Heard) -> None:
    queue = heard.candidates()
    watched = opened(heard.place)
    page = watched.page
    asks(page, queue[0])
    page.keyboard.press("c")
    expect(page.get_by_label("Species, in any language")).to_be_focused()
    watched.is_accessible()
    page.keyboard.type("ysn")  # letters of a name, no answers
    page.keyboard.press("Escape")
    asks(page, queue[0])
    page.keyboard.press("c")
    page.get_by_label("Species, in any language").fill("gartenrot")
    expect(page.locator("#naming-species option")).to_have_count(0)
    page.get_by_label("Species, in any language").fill("nutha")
    expect(page.locator("#naming-species option")).to_have_attribute("value", "Eurasian Nuthatch")
    page.get_by_label("Species, in any language").fill("Kleiber")
    page.keyboard.press("Enter")
    asks(page, queue[1])
    [named] = heard.taken(1)
    assert (named["verdict"], named["species"]) == ("corrected", "Sitta europaea")
    recording = f"/recordings/{named['recording_id']}"
    until(lambda: heard.stack.get(recording)["sections"], seconds=60, what="sections of what was named")

    doubted = next((one for one in queue[1:] if one["others"]), None)
    assert doubted, "the shipped model hesitates between no two species here: take another recording"
    for one in queue[1 : queue.index(doubted)]:
        asks(page, one)
        page.keyboard.press("s")
    asks(page, doubted)
    page.keyboard.press("1")
    expect(page.locator("#lately-list li")).to_have_count(2)
    assert heard.reviews()[0]["species"] == doubted["others"][0]["species"]


def test_the_last_answer_is_taken_back_by_a_key_and_any_by_its_button(opened: Open, heard: Heard) -> None:
    first, second, *_ = heard.candidates()
    page = opened(heard.place).page
    asks(page, first)
    page.keyboard.press("y")
    asks(page, second)
    page.keyboard.press("z")
    asks(page, first)
    expect(page.locator("#lately")).to_be_hidden()
    assert heard.reviews() == []
    page.keyboard.press("s")
    asks(page, second)
    page.keyboard.press("z")
    asks(page, first)
    page.keyboard.press("y")
    asks(page, second)
    page.get_by_role("button", name="Undo:").click()
    asks(page, first)
    assert [one["id"] for one in heard.candidates()][:2] == [first["id"], second["id"]]


def test_what_was_answered_on_an_earlier_visit_is_asked_next_once_it_is_taken_back(opened: Open, heard: Heard) -> None:
    first, second, third, *_ = heard.candidates()
    page = opened(heard.place).page
    for one, key in ((first, "y"), (second, "n")):
        asks(page, one)
        page.keyboard.press(key)
    asks(page, third)
    heard.taken(2)
    page.reload()
    asks(page, third)
    page.locator("#lately-list li").last.get_by_role("button", name="Undo:").click()
    asks(page, first)
    page.keyboard.press("y")
    asks(page, third)
    assert [one["candidate"] for one in heard.reviews()] == [first["id"], second["id"]]


def test_a_stretch_is_drawn_with_the_mouse_and_by_keys(opened: Open, heard: Heard) -> None:
    first = heard.candidates()[0]
    page = opened(heard.place).page
    asks(page, first)
    box = page.locator("#timeline .track").bounding_box()
    assert box is not None
    y = box["y"] + 120
    page.mouse.move(box["x"] + box["width"] * 0.25, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, y, steps=5)
    page.mouse.up()
    expect(page.locator("#naming h3")).to_have_text(re.compile(r"Who sings at 0:0\d\.\d . 0:0\d\.\d\?"))
    field = page.get_by_label("Species, in any language")
    expect(field).to_have_value(first["common_name"])
    field.fill("Great Tit")
    field.press("Enter")
    expect(page.locator("#drawing-hint")).to_be_hidden()
    asks(page, first)
    [drawn] = heard.taken(1)
    assert (drawn["verdict"], drawn["species"], drawn["candidate"]) == ("added", "Parus major", None)
    seconds = min(first["recording_seconds"], first["end"] + 3) - max(0, first["start"] - 3)
    assert drawn["end"] - drawn["start"] == pytest.approx(seconds / 4, abs=0.2)

    page.keyboard.press("d")
    expect(page.locator(".drawn")).to_be_visible()
    before = page.locator("#drawn-stretch").inner_text()
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowRight"):
        page.keyboard.press(key)
    assert page.locator("#drawn-stretch").inner_text() != before
    page.keyboard.press("Enter")
    page.get_by_role("button", name="No bird").first.click()
    expect(page.locator("#lately-list li")).to_have_count(2)
    noise = heard.reviews()[0]
    assert (noise["verdict"], noise["species"]) == ("noise", None)
    assert noise["end"] - noise["start"] == pytest.approx(1.1, abs=0.01)
    page.keyboard.press("d")
    page.keyboard.press("Escape")
    expect(page.locator(".drawn")).to_be_hidden()


def test_a_stretch_is_drawn_by_finger(opened: Open, heard: Heard) -> None:
    first = heard.candidates()[0]
    page = opened(heard.place, viewport=PHONE, has_touch=True, is_mobile=True).page
    asks(page, first)
    touches = page.context.new_cdp_session(page)

    def drag(start: float, end: float) -> None:
        """Over the sonagram, from and to these shares of its width."""
        page.locator("#timeline .track").scroll_into_view_if_needed()
        box = page.locator("#timeline .track").bounding_box()
        assert box is not None
        for step in range(6):
            x = box["x"] + box["width"] * (start + (end - start) * step / 5)
            point = {"x": x, "y": box["y"] + box["height"] / 2}
            touches.send(
                "Input.dispatchTouchEvent", {"type": "touchMove" if step else "touchStart", "touchPoints": [point]}
            )
        touches.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    drag(0.2, 0.6)
    expect(page.locator(".drawn")).to_be_hidden()  # that finger has scrolled
    page.get_by_role("button", name="Draw").tap()
    expect(page.get_by_text("Drag over the sonagram with a finger.")).to_be_visible()
    drag(0.25, 0.5)
    expect(page.locator("#naming h3")).to_have_text(re.compile(r"Who sings at 0:0\d\.\d . 0:0\d\.\d\?"))
    # Taps so soon after a touch are taken for part of it.
    page.get_by_role("button", name="Give up").click()
    page.get_by_role("button", name="Say who sings there").click()
    page.get_by_label("Species, in any language").fill("Great Tit")
    page.locator("#naming .primary").click()
    expect(page.locator("#drawing-hint")).to_be_hidden()
    [drawn] = heard.taken(1)
    assert (drawn["verdict"], drawn["species"]) == ("added", "Parus major")
    seconds = min(first["recording_seconds"], first["end"] + 3) - max(0, first["start"] - 3)
    assert drawn["end"] - drawn["start"] == pytest.approx(seconds / 4, abs=0.2)


@pytest.mark.parametrize("phone", PHONES.values(), ids=PHONES.keys())
def test_on_a_phone_one_hears_looks_and_answers_without_scrolling(
    opened: Open, heard: Heard, phone: dict[str, int]
) -> None:
    first = heard.candidates()[0]
    page = opened(heard.place, viewport=phone, has_touch=True, is_mobile=True).page
    asks(page, first)
    expect(page.locator("kbd").first).to_be_hidden()
    answers = page.locator(".foot").bounding_box()
    assert answers is not None
    assert answers["y"] + answers["height"] <= phone["height"]
    for part in ("#question-words h2", "#timeline .track", "#play"):
        box = page.locator(part).bounding_box()
        assert box is not None
        assert 0 <= box["y"] < box["y"] + box["height"] <= answers["y"], f"{part} lies under the answers"


def test_an_answer_that_the_server_refuses_comes_back_with_the_reason(opened: Open, heard: Heard) -> None:
    first, second, third, *_ = heard.candidates()
    watched = opened(heard.place)
    page = watched.page
    asks(page, first)
    problem = {"title": "The library is full", "detail": "No more recordings fit.", "code": "storage-full"}
    page.route("**/reviews", lambda route: route.fulfill(status=507, json=problem))
    page.keyboard.press("y")
    asks(page, second)
    expect(page.locator(".toast")).to_contain_text("your answer was not taken, and the question comes again")
    page.unroute_all()
    page.keyboard.press("y")
    asks(page, first)
    expect(page.locator("#returned")).to_contain_text("The library is full")
    watched.is_accessible()
    page.keyboard.press("y")
    asks(page, third)
    assert {one["candidate"] for one in heard.reviews()} == {first["id"], second["id"]}
    without(watched, "507")


def test_what_somebody_else_has_answered_meanwhile_is_not_asked_again(opened: Open, heard: Heard) -> None:
    first, second, *_ = heard.candidates()
    watched = opened(heard.place)
    page = watched.page
    asks(page, first)
    assert heard.stack.send("POST", "/reviews", json={"candidate": first["id"], "verdict": "noise"}).status_code == 201
    page.keyboard.press("y")
    expect(page.locator(".toast")).to_contain_text("somebody had answered this already")
    asks(page, second)
    without(watched, "409")


def test_keys_do_nothing_outside_the_card(opened: Open, heard: Heard) -> None:
    first = heard.candidates()[0]
    page = opened(heard.place).page
    asks(page, first)
    page.locator("#teach-title").focus()
    page.keyboard.press("y")
    page.get_by_label("Ask only about").press("n")
    page.get_by_label("Ask only about").fill("")
    page.locator("#review").focus()
    asks(page, first)
    assert heard.reviews() == []


def test_one_analysis_and_one_species_can_be_asked_about(opened: Open, heard: Heard) -> None:
    first = heard.candidates()[0]
    watched = opened(f"/page/listen/analysis/{heard.id}/0")
    page = watched.page
    page.get_by_role("link", name="Teach from this").click()
    page.wait_for_url(f"**{heard.place}")
    expect(page.locator("#only-analysis")).to_contain_text("Only from:")
    asks(page, first)
    page.get_by_label("Ask only about").fill("Amsel")
    page.get_by_label("Ask only about").press("Enter")
    blackbirds = heard.candidates(species="Turdus merula")
    expect(page.locator("#question-words h2")).to_have_text("Is this a Common Blackbird?")
    for _ in blackbirds:
        page.locator("#review").focus()
        page.keyboard.press("s")
    expect(page.locator("#rest-title")).to_have_text("Only what you skipped is left")
    watched.is_accessible()
    page.get_by_role("button", name=re.compile("^Ask me")).click()
    asks(page, blackbirds[0])


def test_a_model_that_came_from_elsewhere_leads_to_a_training_of_ones_own(opened: Open, heard: Heard) -> None:
    page = opened(heard.place).page
    expect(page.locator("#helped-words")).to_contain_text("was not trained on this server")
    page.locator("#helped").get_by_role("link", name="To Train").click()
    expect(page.locator("#train-title")).to_be_visible()


def test_train_asks_for_no_dataset_where_no_species_has_two_recordings(opened: Open) -> None:
    counts = {"recordings": 1, "recordists": 1, "seconds": 5.0, "signal_seconds": 5.0, "quality": {}, "names": {}}
    species = [{"scientific_name": one, "common_name": "", **counts} for one in ("Parus major", "Turdus merula")]
    watched = opened("/page/train", prepare=lambda page: page.route("**/species?*", lambda r: r.fulfill(json=species)))
    expect(watched.page.locator("#train-empty")).to_contain_text("two species at least, two of each")
    assert not [url for url in watched.requests if "/datasets" in url]


def test_a_phone_at_night_in_german(opened: Open, heard: Heard) -> None:
    watched = opened(heard.place, locale="de-DE", viewport=PHONE, color_scheme="dark", has_touch=True)
    page = watched.page
    expect(page.locator("#question-words h2")).to_have_text(re.compile(r"Stimmt das: .+\?"))
    expect(page.locator("#caption")).to_contain_text("Sonagramm von")
    is_made_well(watched, PHONE["width"])
    for _ in heard.candidates():
        page.get_by_role("button", name="Ja", exact=False).first.tap()
    expect(page.locator("#rest-title")).to_have_text("Alles beantwortet. Danke!")
    is_made_well(watched, PHONE["width"])


def test_where_nothing_is_in_doubt_it_is_said_kindly(opened: Open, stack: Stack, tmp_path: Path) -> None:
    path = tmp_path / "silence.wav"
    soundfile.write(path, np.zeros(5 * 22_050, "float32"), 22_050)
    watched = opened(hear(stack, path).place)
    expect(watched.page.locator("#rest-title")).to_have_text("Nothing to ask yet")
    watched.is_accessible()
    watched.page.get_by_role("link", name="What is kept on the server").click()
    watched.state("analyses")


def test_a_model_learns_again_with_what_was_taught_and_is_compared_with_itself(
    opened: Open, stack: Stack, recordings: Path
) -> None:
    names = ["Fringilla coelebs", "Parus major", "Turdus merula"]
    wanted = {"source": "manifest", "path": str(recordings / "manifest.csv"), "select": {"label": names}}
    stack.ended(stack.send("POST", "/ingestions", json=wanted).headers["location"])
    quick = {"epochs": 2, "folds": 2, "min_batches": 4, "batch_size": 8}
    selection = {"species": names, "folds": 2, "source": ["manifest"]}
    begun = stack.send("POST", "/trainings", json={"name": "trio", "dataset": selection, "config": quick})
    first = stack.ended(begun.headers["location"], seconds=400)
    stack.send("PUT", "/models/active", json={"name": "trio", "version": "1"}).raise_for_status()

    # Recordings of a species that this model was not trained on here come in by what is said of them.
    heard = hear(stack, *sorted((recordings / "garden20").glob("parus-major-*.mp3"))[:3])
    watched = opened(heard.place)
    page = watched.page
    expect(page.get_by_role("button", name="No new answers since version 1")).to_be_disabled()
    asks(page, heard.candidates()[0])
    page.keyboard.press("y")
    heard.taken(1)
    expect(page.locator("#helped-words")).to_contain_text("1 new answer since version 1.")
    page.get_by_role("button", name="Train it again").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(re.compile(r"A new dataset is frozen as the old one was: \d+ recordings"))
    watched.is_accessible()
    dialog.get_by_role("button", name="Train it", exact=True).click()
    page.get_by_role("link", name="Watch it learn").click()
    expect(page.get_by_role("heading", name="Training of trio, version 2")).to_be_visible()
    again = stack.ended(page.url.replace(stack.url, "").replace("/page/train", "/trainings"), seconds=400)
    assert again["config"] == first["config"] | {"version": "2"}
    frozen = stack.get(f"/datasets/{again['dataset_id']}")["parameters"]
    assert frozen["source"] == ["manifest", "review"]

    page.go_back()
    expect(page.get_by_role("button", name="No new answers since version 2")).to_be_disabled()
    expect(page.locator(".better")).to_have_text(re.compile(r"trio, version 2: better on \d+, worse on \d+\."))
    watched.is_accessible()
    page.get_by_role("link", name="Compare the two").click()
    expect(page.locator("#comparison-title")).to_contain_text("trio, version 2 and trio, version 1")
