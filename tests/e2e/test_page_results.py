"""What people do with results on the page, and what every view shares: links, words, events, and use by everybody."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Route, expect

from tests.e2e.browser import PHONE, Open, Watched, an_answer, answering, axe, browser, opened
from tests.support.waiting import until

__all__ = ["axe", "browser", "opened"]  # fixtures


def choose(watched: Watched, *files: Path) -> None:
    watched.page.locator("#file").set_input_files(files)


def test_several_recordings_are_heard_one_after_another_and_each_has_its_result(
    opened: Open, garden_recording: Path, tmp_path: Path
) -> None:
    letter = tmp_path / "letter.mp3"
    letter.write_text("Dear bird,\n" * 200)
    watched = opened()
    page = watched.page
    choose(watched, garden_recording, letter, garden_recording)
    rows = page.locator("#several-list > li")
    expect(rows).to_have_count(3)
    expect(page.locator("#several-count")).to_have_text("3 of 3 heard")
    expect(rows.nth(1)).to_contain_text("This is not a sound recording")
    watched.is_accessible()
    rows.nth(0).get_by_role("link").click()
    watched.state("result")
    expect(page.locator("#caption")).to_contain_text(garden_recording.name)
    page.locator("#back").click()
    watched.state("several")
    page.go_back()
    watched.state("result")


def test_a_link_opens_the_same_result_again_and_back_leads_to_the_first_view(
    opened: Open, garden_recording: Path
) -> None:
    watched = opened()
    page = watched.page
    answering(watched, json=an_answer((0, 5, "Wren", 0.9)))
    choose(watched, garden_recording)
    watched.state("result")
    assert urlsplit(page.url).path == "/page/listen/r"
    page.reload()
    watched.state("result")
    expect(page.locator("#verdict .name")).to_have_text("Wren")
    watched.picture_is_drawn()
    page.go_back()
    watched.state("welcome")
    expect(page.locator("#lately-list .who")).to_have_text(["Wren"])
    page.locator("#lately-list a").click()
    watched.state("result")
    page.locator(".brand").click()
    watched.state("welcome")
    page.locator("#forget").click()
    watched.is_accessible()
    page.get_by_role("dialog").get_by_role("button", name="Forget them all").click()
    expect(page.locator("#lately")).to_be_hidden()
    page.goto(f"{watched.base}/page/listen/r")
    expect(page.get_by_role("alert")).to_contain_text("This result is not in this browser")


def test_an_address_that_is_none_is_explained(opened: Open) -> None:
    watched = opened("/page/nowhere")
    expect(watched.page.get_by_role("alert")).to_contain_text("There is no such place here")
    watched.is_accessible()
    watched.page.get_by_role("link", name="To the first view").click()
    watched.state("welcome")
    watched.complaints[:] = [one for one in watched.complaints if "404" not in one]


def test_a_detection_is_repeated_until_somebody_stops_it(opened: Open, garden_recording: Path) -> None:
    watched = opened()
    page = watched.page
    answering(watched, json=an_answer((0.5, 1.0, "Wren", 0.9), seconds=8))
    choose(watched, garden_recording)
    watched.state("result")
    expect(page.locator("#play")).to_be_enabled()
    page.locator("#loop").click()
    page.evaluate(
        """() => {
            window.turns = 0;
            let before = 0;
            new MutationObserver(([{ target }]) => {
                const now = Number(target.getAttribute("aria-valuenow"));
                if (now < before) window.turns += 1;
                before = now;
            }).observe(document.querySelector(".seek"), { attributeFilter: ["aria-valuenow"] });
        }"""
    )
    page.locator(".box").press("Enter")
    until(lambda: page.evaluate("window.turns") >= 2, what="the second turn")
    page.locator(".seek").press("l")
    expect(page.locator("#loop")).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#play")).to_have_attribute("data-playing", "false")


def test_who_is_under_the_pointer_is_said_with_its_confidence(opened: Open, garden_recording: Path) -> None:
    watched = opened()
    answering(watched, json=an_answer((0, 2, "Wren", 0.9), seconds=8))
    choose(watched, garden_recording)
    watched.state("result")
    watched.page.locator(".box").hover()
    expect(watched.page.locator(".tip")).to_have_text(re.compile(r"^Wren, 90% \(almost certain\), 0:00\.0 . 0:02\.0$"))
    watched.page.locator(".seek").hover(position={"x": 900, "y": 128})
    expect(watched.page.locator(".tip")).to_have_text(re.compile(r"^0:0\d\.\d · 5\.8 kHz$"))


def test_what_no_species_fits_is_said_to_be_unknown(opened: Open, garden_recording: Path) -> None:
    watched = opened()
    answer = an_answer((0, 5, "Wren", 0.44))
    answer["outcome"] = "unknown"
    answer["detections"][0]["known"] = False
    answering(watched, json=answer)
    choose(watched, garden_recording)
    expect(watched.page.locator("#verdict h1")).to_have_text("Someone I do not know")
    expect(watched.page.locator("#verdict .lead")).to_contain_text("The nearest it knows is Wren.")
    expect(watched.page.locator("#heard .passage")).to_contain_text("like nothing the model knows")
    watched.is_accessible()


def test_a_result_is_downloaded_as_the_slider_shows_it(opened: Open, garden_recording: Path) -> None:
    watched = opened()
    answering(watched, json=an_answer((0, 5, "=Wren", 0.85), (5, 10, "Robin", 0.2)))
    choose(watched, garden_recording)
    watched.state("result")

    def download(name: str) -> str:
        watched.page.locator("#downloads summary").press("Enter")
        with watched.page.expect_download() as started:
            watched.page.get_by_role("button", name=name).click()
        watched.page.locator("#downloads summary").press("Enter")
        return started.value.path().read_text(encoding="utf-8")

    assert download("Labels (Audacity)") == "0.000000\t5.000000\tAvis =wren (=Wren) 0.85\n"
    header, row = download("Selection table (Raven)").splitlines()
    assert header.split("\t")[3:5] == ["Begin Time (s)", "End Time (s)"]
    assert row.split("\t")[3:5] == ["0.000", "5.000"]
    assert f"{garden_recording.name},0,5,Avis =wren,'=Wren,0.85,," in download("Detections (CSV)")
    assert len(json.loads(download("The whole answer (JSON)"))["detections"]) == 2


def test_people_who_speak_german_are_spoken_to_in_german(opened: Open, garden_recording: Path) -> None:
    watched = opened(locale="de-DE")
    page = watched.page
    expect(page.locator("html")).to_have_attribute("lang", "de")
    watched.is_accessible()
    watched.classify(garden_recording)
    watched.slide_to_the_left()
    expect(page.locator("#verdict .name")).to_have_text("Buchfink")
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("#verdict .name")).to_have_text("Common Chaffinch")


@pytest.mark.parametrize("options", [{"color_scheme": "dark"}, {"viewport": PHONE}], ids=["dark", "phone"])
def test_everybody_can_use_each_state(
    opened: Open, garden_recording: Path, tmp_path: Path, options: dict[str, Any]
) -> None:
    watched = opened(**options)
    watched.is_accessible()
    watched.page.locator("#record").click()
    watched.state("recording")
    watched.is_accessible()
    watched.page.locator("#cancel-recording").click()
    watched.classify(garden_recording)
    watched.is_accessible()
    answering(watched, json=an_answer())
    choose(watched, garden_recording)
    expect(watched.page.locator("#verdict h1")).to_have_text("No bird heard")
    watched.is_accessible()
    answering(watched, status=500)
    choose(watched, garden_recording)
    watched.state("problem")
    watched.is_accessible()


def test_events_are_followed_across_a_broken_connection(opened: Open) -> None:
    watched = opened()
    asked: list[str | None] = []

    def stream(route: Route) -> None:
        asked.append(route.request.headers.get("last-event-id"))
        number = len(asked)
        body = f': hello\nid: {number}\nevent: epoch\ndata: {{"epoch":\ndata: {number}}}\n\n'
        route.fulfill(content_type="text/event-stream", body=body)

    watched.page.route("**/trainings/t/events", stream)
    heard = watched.page.evaluate(
        """async () => {
            const { follow } = await import("/static/lib/events.js");
            const heard = [];
            const { signal } = new AbortController();
            const onEvent = ({ type, data }) => heard.push([type, data.epoch]) === 2;
            await follow("/trainings/t/events", onEvent, { signal });
            return heard;
        }"""
    )
    assert heard == [["epoch", 1], ["epoch", 2]]
    assert asked == [None, "1"]
