"""A training is begun, watched and stopped on the page, and models are judged there."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browser import PHONE, Open, Watched, axe, browser, opened
from tests.support.stack import Stack, running

__all__ = ["axe", "browser", "opened"]  # fixtures

pytestmark = pytest.mark.timeout(900)  # two trainings come first

SPECIES = {"Fringilla coelebs": "Common Chaffinch", "Parus major": "Great Tit", "Turdus merula": "Common Blackbird"}
QUICK = {"epochs": 2, "folds": 2, "min_batches": 4, "batch_size": 8}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, recordings: Path) -> Iterator[Stack]:
    """With real recordings of three species in its library."""
    with running(tmp_path_factory.mktemp("models")) as made:
        wanted = {"source": "manifest", "path": str(recordings / "manifest.csv"), "select": {"label": list(SPECIES)}}
        ingested = made.ended(made.send("POST", "/ingestions", json=wanted).headers["location"])
        assert ingested["state"] == "succeeded"
        yield made


@pytest.fixture(scope="module")
def models(stack: Stack) -> list[Any]:
    """Two trainings on the same recordings that came to a model."""
    locations = [
        stack.send("POST", "/trainings", json={"name": "trio", "dataset": {}, "config": {**QUICK, "seed": seed}})
        for seed in (1, 2)
    ]
    ended = [stack.ended(answer.headers["location"], seconds=600) for answer in locations]
    assert [one["state"] for one in ended] == ["succeeded", "succeeded"]
    return ended


def settled(page: Page) -> None:
    expect(page.locator("#preview")).to_have_attribute("aria-busy", "false")


def is_made_well(watched: Watched, width: int) -> None:
    """By axe, and it scrolls only up and down."""
    watched.is_accessible()
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_form_shows_what_a_dataset_would_hold_before_anything_is_kept(opened: Open, stack: Stack) -> None:
    page = opened("/page/train").page
    expect(page.locator("#preview .class-name")).to_contain_text(list(SPECIES.values()))
    expect(page.locator("#preview .class-count").first).to_have_text(
        re.compile(r"10 recordings, \d+ slices, 10 people")
    )
    page.get_by_label("At most per species").fill("8")
    expect(page.locator("#preview .class-count").first).to_contain_text("8 recordings")
    expect(page.locator("#preview .tag")).to_have_text(["few recordings"] * 3)
    page.get_by_label("Search for a species").fill("parus")
    page.get_by_role("button", name="None").click()
    expect(page.locator("#species-count")).to_have_text("2 of 3 species chosen")
    expect(page.locator("#preview .class-name")).to_have_count(2)
    page.get_by_label("Search for a species").fill("")
    page.get_by_role("button", name="None").click()
    expect(page.locator("#preview")).to_contain_text("Nothing could be trained like this")
    assert stack.get("/datasets")["items"] == []


def test_a_recipe_brings_its_network_and_another_can_be_chosen(opened: Open) -> None:
    watched = opened("/page/train")
    page = watched.page
    settled(page)
    expect(page.locator("#network-chosen")).to_have_text("wren")
    page.get_by_role("radio", name=re.compile("As in 2019")).check()
    expect(page.locator("#network-chosen")).to_have_text("puffin")
    page.get_by_role("radio", name=re.compile("^Sounds")).check()
    expect(page.get_by_label("Epochs", exact=True)).to_have_value("150")
    page.locator("#network-choice summary").click()
    page.get_by_role("radio", name=re.compile("^lstm")).check()
    with page.expect_request("**/trainings") as sent:
        page.route("**/trainings", lambda route: route.fulfill(status=422, json={"title": "No", "detail": "Not so."}))
        page.get_by_role("button", name="Start the training").click()
    config = sent.value.post_data_json["config"]
    assert config == {"recipe": "sounds", "epochs": 150, "folds": 5, "network": "lstm", "front_end": "original"}
    expect(page.get_by_role("alert")).to_contain_text("Not so.")
    watched.complaints[:] = [one for one in watched.complaints if "422" not in one]  # the browser notes each refusal


def test_a_training_is_begun_watched_and_stopped_and_keeps_what_it_has_learnt(
    opened: Open, stack: Stack, models: list[Any]
) -> None:
    watched = opened("/page/train")
    page = watched.page
    settled(page)
    page.get_by_label("Epochs", exact=True).fill("500")
    page.get_by_label("Test it on").select_option("0")
    page.get_by_label("Name of the model").fill("on-the-page")
    page.get_by_role("button", name="Start the training").click()
    expect(page.get_by_role("heading", name="Training of on-the-page, version 1")).to_be_focused()
    expect(page.locator("#training-badge")).to_have_text("learning")
    expect(page.locator("#accuracy-curves polyline")).to_have_count(1, timeout=120_000)
    expect(page.locator("#training-now")).to_contain_text("The model itself: epoch")
    is_made_well(watched, 1280)
    address = page.url
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Stop it").click()
    expect(page.locator("#training-badge")).to_have_text("stopped")
    expect(page.locator("#training-now")).to_contain_text("The best weights until then are kept")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save the best weights").click()
    assert saved.value.suggested_filename.endswith(".pt")
    page.goto(address)  # it has its place also after it has ended
    expect(page.locator("#training-badge")).to_have_text("stopped")
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("#training-badge")).to_have_text(re.compile("learning|waiting"))
    page.get_by_role("link", name="All trainings").click()
    first = page.locator("#trainings-list li").first
    expect(first).to_contain_text("on-the-page, version 1")
    assert stack.send("DELETE", address.replace("/page/train", "/trainings").removeprefix(stack.url)).status_code == 200
    expect(first.locator(".pill")).to_have_text("stopped")


def test_a_training_that_failed_says_why(opened: Open, stack: Stack, models: list[Any]) -> None:
    failed = models[0] | {"state": "failed", "model": None}
    error = {"code": "storage-full", "detail": "There is no room left for the model."}
    failed["job"] = failed["job"] | {"state": "failed", "error": error, "result": None}
    watched = opened(
        "/page/train", prepare=lambda page: page.route("**/trainings/failed", lambda r: r.fulfill(json=failed))
    )
    watched.page.goto(f"{stack.url}/page/train/failed")
    expect(watched.page.locator("#training-badge")).to_have_text("failed")
    expect(watched.page.locator("#training-now")).to_contain_text("There is no room left for the model.")
    expect(watched.page.get_by_role("button", name="Go on")).to_be_visible()


def test_a_model_s_mistakes_are_listened_to(opened: Open, stack: Stack, models: list[Any]) -> None:
    watched = opened("/page/train")
    page = watched.page
    page.get_by_role("link", name="trio, version 1").click()
    expect(page.locator(".legend button")).to_have_text(["Part 1 of 2", "Part 2 of 2", "The model itself"])
    page.get_by_role("link", name="See the model").click()
    expect(page.get_by_role("heading", name="trio, version 1")).to_be_visible()
    expect(page.locator("#model-figures b").first).to_have_text("Named first, mean over species")
    expect(page.locator("#species-bars li")).to_have_count(3)

    predictions = stack.get("/models/trio/1/predictions")
    wrong = [one for one in predictions["recordings"] if one["ranking"][0][0] != one["label"]]
    fields = page.locator("#matrix button")
    assert sum(int(one) for one in fields.all_inner_texts()) == predictions["tested"]
    assert sum(int(one) for one in page.locator("#matrix button.wrong").all_inner_texts()) == len(wrong)
    assert wrong, "after two epochs it cannot be right about everything"
    page.locator("#matrix button.wrong").first.click()
    expect(page.locator("#heard-as-title")).to_have_text(re.compile(r"\w+, taken for \w+"))
    play = page.locator(".recording-play").first
    expect(page.locator(".recording-about").first).to_contain_text(re.compile(r"XC\d+ · .+, CC BY"))
    play.click()
    expect(play).to_have_attribute("data-playing", "true")
    expect(page.locator(".recording-picture img")).to_have_attribute("src", re.compile("^blob:"))
    is_made_well(watched, 1280)


def test_the_matrix_is_walked_by_arrow_keys(opened: Open, models: list[Any]) -> None:
    page = opened("/page/models/trio/1").page
    page.locator("#matrix button[tabindex='0']").focus()
    before = page.evaluate("document.activeElement.ariaLabel")
    for key in ("ArrowDown", "ArrowUp", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
    assert page.locator("#matrix button[tabindex='0']").count() == 1
    assert page.evaluate("document.activeElement.closest('#matrix') !== null")
    assert before
    page.keyboard.press("Enter")
    expect(page.locator("#heard-as-title")).to_be_focused()


def test_two_models_are_compared_on_what_both_held_out(opened: Open, stack: Stack, models: list[Any]) -> None:
    watched = opened("/page/models")
    page = watched.page
    expect(page.get_by_role("button", name="Compare two")).to_be_disabled()
    for version in (1, 2):
        page.get_by_label(f"Choose trio, version {version} for a comparison").check()
    page.get_by_role("button", name="Compare these two").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("trio, version 2 and trio, version 1")
    found = stack.get("/models/trio/2/comparison", other="trio:1")
    assert found["recordings"] == stack.get("/models/trio/1/predictions")["tested"]
    expect(page.locator("#comparison-lead")).to_contain_text(f"the {found['recordings']} recordings that both held out")
    expect(page.locator(".recordings li")).to_have_count(len(found["better"]) + len(found["worse"]))
    both = found["both_right"] + found["neither_right"] + len(found["better"]) + len(found["worse"])
    assert both == found["recordings"]
    is_made_well(watched, 1280)


def test_a_model_is_let_answer_and_the_one_before_again(opened: Open, models: list[Any]) -> None:
    watched = opened("/page/models/trio/1")
    page = watched.page
    expect(page.locator("#model")).to_contain_text("garden-birds")
    page.get_by_role("button", name="Let it answer").click()
    page.get_by_role("dialog").get_by_role("button", name="Let it answer").click()
    expect(page.locator("#model")).to_have_text("Model trio, version 1")
    expect(page.locator("#model-actions .pill")).to_have_text("answers now")
    page.get_by_role("link", name="All models").click()
    page.get_by_role("button", name="Go back to it").click()
    page.get_by_role("dialog").get_by_role("button", name="Let it answer").click()
    expect(page.locator("#answering-words a")).to_contain_text("garden-birds")
    expect(page.locator("#model")).to_contain_text("garden-birds")


def test_every_file_of_a_model_is_saved_from_its_page(opened: Open, models: list[Any]) -> None:
    page = opened("/page/models/trio/1").page
    page.locator("#model-actions summary").click()
    for name, suffix in (("TorchScript", ".pt"), ("torch.export", ".pt2"), ("ONNX", ".onnx"), ("card", ".md")):
        with page.expect_download() as saved:
            page.get_by_role("button", name=re.compile(name)).click()
        assert saved.value.suggested_filename == f"trio-1{suffix}"


def test_a_model_without_single_predictions_shows_the_pictures_of_its_training(opened: Open, stack: Stack) -> None:
    shipped = next(one for one in stack.get("/models")["items"] if one["name"] == "garden-birds")
    if "predictions" in shipped["files"]:
        pytest.skip("the shipped model has its predictions")
    page = opened(f"/page/models/garden-birds/{shipped['version']}").page
    expect(page.locator("#confusion-note")).to_contain_text("without its single predictions")
    expect(page.get_by_role("img", name="Confusion matrix")).to_have_attribute("src", re.compile("^blob:"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_views_are_accessible_in_german_and_fit_a_phone(opened: Open, models: list[Any], scheme: str) -> None:
    options: dict[str, Any] = {"viewport": PHONE, "is_mobile": True, "has_touch": True, "locale": "de-DE"}
    watched = opened("/page/train", color_scheme=scheme, **options)
    page = watched.page
    expect(page.get_by_role("heading", level=1)).to_have_text("Bring einem Modell deine Vögel bei")
    settled(page)
    page.locator("#plan .more summary").first.click()
    page.locator("#network-choice summary").click()
    is_made_well(watched, PHONE["width"])
    page.get_by_role("link", name="trio, Version 2").click()
    expect(page.locator("#training-badge")).to_have_text("fertig")
    page.locator("#figures summary").click()
    is_made_well(watched, PHONE["width"])
    page.get_by_role("link", name="Das Modell ansehen").click()
    expect(page.locator("#matrix")).to_contain_text("Buchfink")
    page.locator("#credits summary").click()
    is_made_well(watched, PHONE["width"])
    page.get_by_label("Vergleichen mit").select_option("trio:1")
    expect(page.get_by_role("heading", level=1)).to_contain_text("trio, Version 2 und trio, Version 1")
    is_made_well(watched, PHONE["width"])
    page.get_by_role("link", name="Alle Modelle").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Die Modelle")
    is_made_well(watched, PHONE["width"])
