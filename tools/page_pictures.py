"""Takes the pictures of the page's views that docs/images holds: each by day, by night, and on a phone.

    python -m tools.page_pictures ../shared/data

Starts a stack of its own with real recordings in its library, trains a small model, and has a recording heard. Needs
Chromium. The views of one look stand side by side in one picture, which Pillow joins.
"""

import argparse
import shutil
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from shared.settings import REPOSITORY
from tests.e2e.browser import FLAGS, PHONE
from tests.support.stack import Stack, running

IMAGES = REPOSITORY / "docs" / "images"
SPECIES = ["Fringilla coelebs", "Parus major", "Turdus merula"]
TRAINING = {"epochs": 12, "folds": 2, "min_batches": 12, "batch_size": 8}
HEARD = "accipiter-gentilis-XC396773.mp3"
ASKED = "turdus-merula-XC826077.mp3"
SETTLED_MS = 2_500
WIDE = {"width": 1280, "height": 1000}
GAP = 24
LOOKS = {
    "views": {"viewport": WIDE},
    "views-dark": {"viewport": WIDE, "color_scheme": "dark"},
    "views-phone": {"viewport": PHONE, "is_mobile": True, "has_touch": True, "device_scale_factor": 1.5},
}


def furnish(stack: Stack, data: Path) -> str:
    """Recordings, a model and a hearing; the id of the analysis."""
    manifest = {"source": "manifest", "path": str(data / "manifest.csv"), "select": {"label": SPECIES}}
    stack.ended(stack.send("POST", "/ingestions", json=manifest).headers["location"])
    wanted = {"name": "trio", "dataset": {}, "config": TRAINING}
    stack.ended(stack.send("POST", "/trainings", json=wanted).headers["location"], seconds=900)
    with (data / "garden20" / ASKED).open("rb") as file:
        heard = stack.send("POST", "/analyses", files={"audio": (ASKED, file)}).headers["location"]
    return str(stack.ended(heard)["id"])


def listen(page: Page, recording: Path) -> None:
    page.locator("#file").set_input_files(recording)
    page.wait_for_selector("body[data-state=result]")


def shoot(browser: Browser, stack: Stack, analysis: str, look: str, recording: Path, folder: Path) -> list[Path]:
    """The views in one look."""
    context = browser.new_context(**LOOKS[look])
    context.add_init_script("localStorage.setItem('chiffchaff-whose-recordings', '{}')")
    library = stack.get("/recordings", text="XC826077")["items"][0]["id"]
    paths = [
        "/",
        f"/page/library/recordings/{library}",
        f"/page/teach/{analysis}",
        "/page/train",
        "/page/models/trio/1",
        "/page/jobs",
    ]
    taken = []
    for number, path in enumerate(paths):
        page = context.new_page()
        page.goto(stack.url + path)
        page.wait_for_selector("html.ready")
        if path == "/":
            listen(page, recording)
        page.wait_for_timeout(SETTLED_MS)
        taken.append(folder / f"{look}-{number}.png")
        page.screenshot(path=taken[-1])
        page.close()
    context.close()
    return taken


def join(pictures: list[Path], target: Path, columns: int, width: int) -> None:
    """Side by side, each as wide as `width` pixels."""
    opened = [Image.open(path).convert("RGB") for path in pictures]
    height = round(opened[0].height * width / opened[0].width)
    rows = -(-len(opened) // columns)
    sheet = Image.new("RGB", (columns * (width + GAP) + GAP, rows * (height + GAP) + GAP), "#8a8371")
    for number, one in enumerate(opened):
        row, column = divmod(number, columns)
        small = one.resize((width, height), Image.Resampling.LANCZOS)
        sheet.paste(small, (GAP + column * (width + GAP), GAP + row * (height + GAP)))
    sheet.quantize(256).save(target, optimize=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder with manifest.csv")
    data = parser.parse_args().data.resolve()
    recording = next(data.glob(f"*/{HEARD}"))
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as name, running(Path(name)) as stack, sync_playwright() as playwright:
        folder = Path(name)
        analysis = furnish(stack, data)
        browser = playwright.chromium.launch(executable_path=chromium, args=[*FLAGS, "--no-sandbox"])
        for look in LOOKS:
            phone = look == "views-phone"
            pictures = shoot(browser, stack, analysis, look, recording, folder)
            join(pictures, IMAGES / f"{look}.png", 6 if phone else 3, 390 if phone else 640)
        browser.close()


if __name__ == "__main__":
    main()
