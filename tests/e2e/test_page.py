"""The page in a real browser, against the running stack."""

import base64
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
import soundfile
from playwright.sync_api import Page, Route, expect

from tests.e2e.browser import PHONE, Open, Stack, an_answer, answering, axe, browser, opened

__all__ = ["axe", "browser", "opened"]  # fixtures


def test_a_chosen_file_is_named_ranked_and_drawn(opened: Open, garden_recording: Path) -> None:
    watched = opened()
    answer = watched.classify(garden_recording)
    watched.slide_to_the_left()
    page, best = watched.page, answer["ranking"][0]
    expect(page.locator("#verdict h1")).to_have_text(re.compile(rf"Sounds like\s+{re.escape(best['common_name'])}"))
    expect(page.locator("#verdict .badge")).to_have_text(re.compile(r"(almost certain|likely|perhaps|unsure) \d+%"))
    names = page.locator("#ranking .rank-name b")
    expect(names).to_have_text([ranked["common_name"] for ranked in answer["ranking"][:5]])
    assert page.locator(".box:visible").count() >= 1
    watched.picture_is_drawn()
    model = answer["model"]
    expect(page.locator("#model")).to_have_text(f"Model {model['name']}, version {model['version']}")


def test_a_click_on_a_detection_plays_it_from_its_start(opened: Open, garden_recording: Path) -> None:
    watched = opened()
    answering(watched, json=an_answer((0, 3, "Wren", 0.9), (2, 7, "Robin", 0.8), seconds=8))
    watched.page.locator("#file").set_input_files(garden_recording)
    watched.state("result")  # before that the regions are still drawn anew, and a click may meet an old one
    watched.page.wait_for_load_state("networkidle")
    play = watched.page.locator("#play")
    expect(play).to_be_enabled()
    watched.page.get_by_role("button", name="Robin 80%, from 0:02.0 to 0:07.0, play").click()
    expect(play).to_have_attribute("data-playing", "true")
    expect(watched.page.locator(".seek")).to_have_attribute("aria-valuenow", re.compile(r"^[2-6]\."))
    expect(watched.page.locator(".cursor")).to_be_visible()
    play.click()
    expect(play).to_have_attribute("data-playing", "false")


def test_a_passage_stops_where_it_ends(opened: Open, garden_recording: Path) -> None:
    watched = opened()
    answering(watched, json=an_answer((0.5, 1.0, "Wren", 0.9), seconds=8))
    watched.page.locator("#file").set_input_files(garden_recording)
    watched.state("result")
    expect(watched.page.locator("#play")).to_be_enabled()
    watched.page.locator("#heard .passage").click()
    expect(watched.page.locator("#play")).to_have_attribute("data-playing", "true")
    expect(watched.page.locator("#play")).to_have_attribute("data-playing", "false")
    assert 1.0 <= float(watched.page.locator(".seek").get_attribute("aria-valuenow") or 0) < 1.5


def test_the_slider_hides_fainter_detections(opened: Open, garden_recording: Path) -> None:
    watched = opened()
    answering(watched, json=an_answer((0, 5, "Wren", 0.85), (0, 5, "Robin", 0.4), (5, 10, "Robin", 0.2)))
    watched.page.locator("#file").set_input_files(garden_recording)
    watched.state("result")
    watched.slide_to_the_left()
    expect(watched.page.locator("#heard .who")).to_have_text(["Wren", "Robin"])
    watched.page.locator("#threshold").fill("50")
    expect(watched.page.locator("#heard .who")).to_have_text(["Wren"])
    expect(watched.page.locator(".box")).to_have_count(1)
    watched.page.locator("#threshold").fill("90")
    expect(watched.page.locator("#verdict h1")).to_have_text("Nobody for sure")


def test_overlapping_windows_of_one_song_are_one_passage(opened: Open, garden_recording: Path) -> None:
    watched = opened()
    windows = [(0, 5, "Wren", 0.6), (2.5, 7.5, "Wren", 0.9), (12.5, 17.5, "Wren", 0.7), (5, 10, "Robin", 0.5)]
    answering(watched, json=an_answer(*windows, seconds=20))
    watched.page.locator("#file").set_input_files(garden_recording)
    watched.state("result")
    heard = [("0:00.0", "0:07.5", "Wren 90%"), ("0:05.0", "0:10.0", "Robin 50%"), ("0:12.5", "0:17.5", "Wren 70%")]
    rows = [re.compile(f"{start} . {end} {rest}") for start, end, rest in heard]
    expect(watched.page.locator("#heard .passage")).to_have_text(rows)


def test_a_bird_at_the_microphone_is_recorded_and_named(opened: Open) -> None:
    watched = opened()
    page = watched.page
    page.get_by_role("button", name="chirping?").click()
    expect(page.locator("#clock")).to_have_text("0:04")
    with page.expect_response("**/classify*") as answer:
        page.locator("#stop").click()
    watched.state("result")
    assert answer.value.ok
    assert answer.value.json()["recording"]["seconds"] > 3.5
    watched.slide_to_the_left()
    expect(page.locator("#verdict h1")).to_contain_text(answer.value.json()["ranking"][0]["common_name"])
    watched.picture_is_drawn()
    expect(page.locator("#play")).to_be_enabled()


def test_the_microphone_is_asked_for_only_after_the_click(opened: Open) -> None:
    def count_requests(page: Page) -> None:
        page.add_init_script(
            """const ask = MediaDevices.prototype.getUserMedia;
            window.asked = [];
            MediaDevices.prototype.getUserMedia = function (wish) { asked.push(wish); return ask.call(this, wish); };"""
        )

    watched = opened(prepare=count_requests)
    expect(watched.page.locator("#model")).not_to_be_empty()
    assert watched.page.evaluate("asked") == []
    watched.page.locator("#record").click()
    watched.state("recording")
    wishes = {"echoCancellation": False, "noiseSuppression": False, "autoGainControl": False}
    assert watched.page.evaluate("asked") == [{"audio": wishes}]
    watched.page.locator("#cancel-recording").click()
    watched.state("welcome")


def test_a_refused_microphone_is_explained_and_a_file_still_works(opened: Open, garden_recording: Path) -> None:
    watched = opened(microphone=False)
    watched.page.locator("#record").click()
    expect(watched.page.get_by_role("alert")).to_contain_text("The microphone is not allowed")
    watched.classify(garden_recording)


def test_a_file_can_be_dropped_anywhere(opened: Open, garden_recording: Path) -> None:
    watched = opened()
    content = base64.b64encode(garden_recording.read_bytes()).decode()
    drop = """([content, name]) => {
        const files = new DataTransfer();
        const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
        files.items.add(new File([bytes], name, { type: "audio/mpeg" }));
        const send = (kind) => document.querySelector("footer").dispatchEvent(
            new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: files }));
        send("dragenter");
        const veiled = !document.querySelector("#drop").hidden;
        send("drop");
        return veiled;
    }"""
    assert watched.page.evaluate(drop, [content, garden_recording.name])
    watched.state("result")
    expect(watched.page.locator("#drop")).to_be_hidden()
    expect(watched.page.locator("#caption")).to_contain_text(garden_recording.name)


def test_what_is_no_audio_is_explained_and_the_page_goes_on(
    opened: Open, garden_recording: Path, tmp_path: Path
) -> None:
    watched = opened()
    letter = tmp_path / "letter.mp3"
    letter.write_text("Dear bird,\n" * 200)
    with watched.page.expect_response("**/classify*") as refusal:
        watched.page.locator("#file").set_input_files(letter)
    problem = refusal.value.json()
    alert = watched.page.get_by_role("alert")
    for part in ("title", "detail", "hint", "code"):
        expect(alert).to_contain_text(problem[part])
    expect(watched.page.locator("#retry")).to_be_hidden()
    watched.classify(garden_recording)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"status": 500, "body": "Internal Server Error"}, "Something broke on the server"),
        ({"status": 502, "body": "<h1>Bad Gateway</h1>", "content_type": "text/html"}, "Not quite awake"),
        ({"status": 200, "body": "<h1>A captive portal</h1>"}, "The answer makes no sense"),
        ({"status": 200, "json": {"ranking": "none"}}, "The answer makes no sense"),
    ],
)
def test_a_failing_server_is_explained(
    opened: Open, garden_recording: Path, answer: dict[str, Any], words: str
) -> None:
    watched = opened()
    answering(watched, **answer)
    watched.page.locator("#file").set_input_files(garden_recording)
    expect(watched.page.get_by_role("alert")).to_contain_text(words)
    expect(watched.page.locator("#problem-title")).to_be_focused()


def test_a_file_that_is_too_large_for_an_answer_and_for_an_analysis_is_refused_in_words(
    opened: Open, garden_recording: Path
) -> None:
    watched = opened()
    for route in ("**/classify*", "**/analyses*"):
        watched.page.route(route, lambda asked: asked.fulfill(status=413, body="<h1>Too Large</h1>"))
    watched.page.locator("#file").set_input_files(garden_recording)
    expect(watched.page.get_by_role("alert")).to_contain_text("That file is too large")
    watched.complaints[:] = [one for one in watched.complaints if "413" not in one]


def test_a_server_that_was_away_is_tried_again(opened: Open, garden_recording: Path) -> None:
    watched = opened()
    watched.page.route("**/classify*", lambda route: route.abort())
    watched.page.locator("#file").set_input_files(garden_recording)
    expect(watched.page.get_by_role("alert")).to_contain_text("The server does not answer")
    watched.page.unroute_all()
    watched.page.locator("#retry").click()
    watched.state("result")


def test_no_bird_is_said_kindly_and_the_decoders_warnings_are_shown(opened: Open, garden_recording: Path) -> None:
    watched = opened()
    answering(watched, json=an_answer(warnings=["The end of the file is missing."]))
    watched.page.locator("#file").set_input_files(garden_recording)
    expect(watched.page.locator("#verdict h1")).to_have_text("No bird heard")
    expect(watched.page.locator("#warnings")).to_contain_text("The end of the file is missing.")


def test_names_from_the_server_are_never_markup(opened: Open, garden_recording: Path) -> None:
    watched = opened()
    evil = "<img src=x onerror=alert(1)>"
    answering(watched, json=an_answer((0, 5, evil, 0.95), warnings=[evil]))
    watched.page.locator("#file").set_input_files(garden_recording)
    expect(watched.page.locator("#verdict .name")).to_have_text(evil)
    assert watched.page.locator("main img[src=x]").count() == 0


def test_what_the_browser_cannot_open_still_gets_its_result(opened: Open, tmp_path: Path) -> None:
    watched = opened()
    path = tmp_path / "song.aiff"
    at = np.arange(8 * 22_050) / 22_050
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * 4_000 * at), 22_050)
    watched.classify(path)
    expect(watched.page.locator("#timeline .note")).to_contain_text("No spectrogram")
    expect(watched.page.locator("#play")).to_be_disabled()
    expect(watched.page.locator("#time")).to_contain_text("0:08.0")


def test_the_picture_shows_a_tone_at_its_pitch(opened: Open) -> None:
    drawn = opened().page.evaluate(
        """async () => {
            const { spectrum } = await import("/static/sound/spectrum.js");
            const rate = 22050, tone = (t) => (t > 1 && t < 1.5 ? 0.3 * Math.sin(2 * Math.PI * 4000 * t) : 0);
            const noise = () => 0.001 * (Math.random() - 0.5);
            const samples = Float32Array.from({ length: 3 * rate }, (_, i) => tone(i / rate) + noise());
            const { shades, bins, columns, secondsPerColumn, topHz } = spectrum(samples, rate);
            const darkest = shades.indexOf(255);
            const column = (t) => shades.subarray(Math.round(t / secondsPerColumn) * bins).slice(0, bins);
            return { hertz: (column(1.25).indexOf(Math.max(...column(1.25))) * topHz) / bins,
                     seconds: Math.floor(darkest / bins) * secondsPerColumn, before: Math.max(...column(0.5)),
                     during: Math.max(...column(1.25)), length: columns * secondsPerColumn };
        }"""
    )
    assert drawn["hertz"] == pytest.approx(4_000, abs=45)
    assert 0.97 < drawn["seconds"] < 1.5
    assert drawn["during"] > 240 > 100 > drawn["before"]
    assert drawn["length"] == pytest.approx(3, abs=0.01)


def test_everything_is_done_by_keys_alone(opened: Open) -> None:
    watched = opened()
    page = watched.page

    def press_until_on(selector: str, key: str = "Tab") -> None:
        for _ in range(60):
            page.keyboard.press(key)
            if page.evaluate("s => document.activeElement.matches(s)", selector):
                break
        focused = page.locator(":focus-visible")
        assert focused.evaluate("(e, s) => e.matches(s)", selector), f"the keyboard does not reach {selector}"
        assert focused.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"

    answering(watched, json=an_answer((0, 2, "Wren", 0.9), (1, 3, "Robin", 0.8), seconds=4))
    press_until_on("#record")
    page.keyboard.press("Enter")
    watched.state("recording")
    expect(page.locator("#stop")).to_be_focused()
    expect(page.locator("#clock")).to_have_text("0:03")
    page.keyboard.press("Enter")
    watched.state("result")
    expect(page.locator("#verdict-title")).to_be_focused()
    expect(page.locator("#play")).to_be_enabled()
    press_until_on("#threshold")
    page.keyboard.press("Home")
    press_until_on(".box", "Shift+Tab")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".box").last).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#play")).to_have_attribute("data-playing", "true")
    press_until_on("#play")
    page.keyboard.press("Space")
    expect(page.locator("#play")).to_have_attribute("data-playing", "false")
    press_until_on(".seek", "Shift+Tab")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".seek")).to_have_attribute("aria-valuenow", "0.5")
    press_until_on(".passage")
    press_until_on("footer a")


def test_a_file_chosen_while_a_recording_is_being_given_up_is_heard(opened: Open, garden_recording: Path) -> None:
    watched = opened(prepare=lambda page: page.add_init_script(SLOW_TO_CLOSE))
    answering(watched, json=an_answer((0, 5, "Common Chiffchaff", 0.93)))
    watched.page.locator("#record").click()
    watched.state("recording")
    watched.page.locator("#cancel-recording").click()
    watched.page.locator("#file").set_input_files(garden_recording)
    watched.state("result")
    watched.page.wait_for_timeout(1_000)
    watched.state("result")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_scrolls_only_up_and_down(opened: Open, garden_recording: Path, tmp_path: Path, scheme: str) -> None:
    watched = opened(viewport=PHONE, is_mobile=True, has_touch=True, color_scheme=scheme)

    def no_wider_than_the_phone() -> None:
        assert watched.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]

    no_wider_than_the_phone()
    watched.page.locator("#record").tap()
    watched.state("recording")
    no_wider_than_the_phone()
    watched.page.locator("#cancel-recording").tap()
    watched.classify(garden_recording)
    no_wider_than_the_phone()
    long = [(10.0 * k, 10.0 * k + 5, "Great Reed Warbler of the Northern Marshes", 0.9) for k in range(100)]
    answering(watched, json=an_answer(*long, seconds=1_000))
    watched.page.locator("#file").set_input_files(garden_recording)
    expect(watched.page.locator(".box")).to_have_count(100)
    no_wider_than_the_phone()
    answering(watched, status=500)
    watched.page.locator("#file").set_input_files(garden_recording)
    watched.state("problem")
    no_wider_than_the_phone()


@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
def test_a_phone_shows_where_one_is_and_that_there_is_more(opened: Open, locale: str) -> None:
    watched = opened("/page/jobs", viewport={**PHONE, "width": 360}, locale=locale)
    nav = watched.page.locator(".masthead nav")
    expect(nav.locator("[aria-current]")).to_be_in_viewport(ratio=1)
    expect(nav).to_have_class("more-before")
    nav.locator("a").first.click()
    watched.state("welcome")
    expect(nav.locator("[aria-current]")).to_be_in_viewport(ratio=1)
    expect(nav).to_have_class("more-after")


def test_nothing_moves_between_waiting_and_the_result(opened: Open, garden_recording: Path) -> None:
    watched = opened()
    waiting: list[Route] = []
    watched.page.route("**/classify*", lambda route: waiting.append(route))
    with watched.page.expect_request("**/classify*"):
        watched.page.locator("#file").set_input_files(garden_recording)
    watched.state("analysing")
    before = watched.page.locator("#plate").bounding_box()
    waiting[0].fulfill(json=an_answer((0, 5, "Common Chiffchaff", 0.93), (0, 5, "Great Tit", 0.4)))
    watched.state("result")
    assert watched.page.locator("#plate").bounding_box() == before


def test_the_first_view_is_small_and_strictly_confined(opened: Open, stack: Stack) -> None:
    sizes: dict[str, int] = {}
    headers: dict[str, str] = {}

    def weigh(page: Page) -> None:
        page.on("response", lambda r: headers.update(r.headers) if urlsplit(r.url).path == "/" else None)
        page.on("requestfinished", lambda r: sizes.__setitem__(r.url, r.sizes()["responseBodySize"]))

    watched = opened(prepare=weigh)
    watched.page.wait_for_load_state("networkidle")
    assert sum(sizes.values()) < 250_000, json.dumps(sizes, indent=2)
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


SLOW_TO_CLOSE = """
    const close = AudioContext.prototype.close;
    AudioContext.prototype.close = async function () {
        await new Promise((resolve) => setTimeout(resolve, 800));
        return close.call(this);
    };
"""
