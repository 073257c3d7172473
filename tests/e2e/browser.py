"""Chromium for the tests of the page: opened, watched, and with a bird for a microphone."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import pytest
import soundfile
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tools.web_packages import install, registry

FLAGS = [
    *("--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--use-fake-device-for-media-stream"),
]
FOLDER = Path(__file__).parent
AXE = FOLDER / "node_modules" / "axe-core" / "axe.min.js"
PHONE = {"width": 390, "height": 844}
PATIENCE = 30_000  # milliseconds: the first classification loads the model


class Stack(Protocol):
    url: str


@dataclass
class Watched:
    """A page, and everything it asked for and complained of since it was opened."""

    page: Page
    base: str
    path: str = "/"
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._listen)
        self.page.goto(self.base + self.path)
        expect(self.page.locator("html.ready")).to_be_visible()

    def _listen(self, message: ConsoleMessage) -> None:
        # The browser notes every refused classification as an error; the page answers for those itself.
        refused = message.text.startswith("Failed to load resource") and "/classify" in message.location["url"]
        if message.type in {"error", "warning"} and not refused:
            self.complaints.append(message.text)

    def state(self, name: str) -> None:
        """Waits until the page is in that state, and takes clicks."""
        expect(self.page.locator("body")).to_have_attribute("data-state", name)
        expect(self.page.locator("main")).not_to_have_attribute("inert", "")

    def classify(self, path: Path) -> dict[str, Any]:
        """Chooses a file and gives the server's answer, once the page shows it."""
        with self.page.expect_response("**/classify*") as answer:
            self.page.locator("#file").set_input_files(path)
        self.state("result")
        body: dict[str, Any] = answer.value.json()
        return body

    def slide_to_the_left(self) -> None:
        self.page.locator("#threshold").press("Home")

    def is_accessible(self) -> None:
        """By every rule of axe-core that it can decide by itself (WCAG 2.2 AA and its best practices)."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.read_text(encoding="utf-8"))
        options = {"resultTypes": ["violations"], "preload": False}  # preloading would break the page's own policy
        violations = self.page.evaluate(
            "options => axe.run(document, options).then((found) => found.violations)", options
        )
        told = [f"{one['id']}: {one['help']}: {[node['html'] for node in one['nodes']]}" for one in violations]
        # axe tries out styles that the page's policy forbids.
        self.complaints[:] = [one for one in self.complaints if "Applying inline style" not in one]
        assert told == []

    def picture_is_drawn(self) -> None:
        expect(self.page.locator("#caption")).to_contain_text("Sonagram of")
        assert self.page.evaluate(COLOURS_AFTER_THE_NEXT_FRAME) > 30


COLOURS_AFTER_THE_NEXT_FRAME = """() => new Promise((resolve) => {
    const count = () => {
        const canvas = document.querySelector("#timeline canvas");
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height * 0.9);
        resolve(new Set(new Uint32Array(data.buffer)).size);
    };
    requestAnimationFrame(() => requestAnimationFrame(count));
})"""

INKED = """() => {
    const canvas = document.querySelector("#timeline canvas");
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
    copy.drawImage(canvas, 0, 0);
    const { data } = copy.getImageData(0, 0, canvas.width, canvas.height * 0.9);
    return new Set(new Uint32Array(data.buffer)).size > 30;
}"""


@pytest.fixture(scope="module")
def browser(garden_recording: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Chromium, with a bird for a microphone. Ends with this module: its event loop would block asynchronous tests."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("there is no Chromium on this machine")
    samples, rate = soundfile.read(garden_recording, always_2d=True)
    microphone = tmp_path_factory.mktemp("microphone") / "bird.wav"
    soundfile.write(microphone, samples.mean(axis=1), rate)
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=chromium, args=[*FLAGS, *sandbox, f"--use-file-for-fake-audio-capture={microphone}"]
        )
        yield running
        running.close()


@pytest.fixture(scope="session", autouse=True)
def axe() -> None:
    """Fetched by `make`, and here where a test runs without it."""
    install(FOLDER, registry(os.environ, Path.home() / ".npmrc"))


Open = Callable[..., Watched]
Prepare = Callable[[Page], None]


@pytest.fixture
def opened(browser: Browser, stack: Stack) -> Iterator[Open]:
    """Opens the page; afterwards none may have called another host, nor complained in the console."""
    expect.set_options(timeout=PATIENCE)
    contexts: list[BrowserContext] = []
    pages: list[Watched] = []

    def open_page(
        path: str = "/", *, microphone: bool = True, prepare: Prepare | None = None, **options: Any
    ) -> Watched:
        context = browser.new_context(**options)
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        if microphone:
            context.grant_permissions(["microphone"])
        page = context.new_page()
        if prepare is not None:
            prepare(page)
        pages.append(Watched(page, stack.url, path))
        return pages[-1]

    yield open_page
    for context in contexts:
        context.close()
    own = urlsplit(stack.url).netloc
    for watched in pages:
        assert {urlsplit(url).netloc for url in watched.requests if not url.startswith(("blob:", "data:"))} == {own}
        assert watched.complaints == []


def an_answer(*detections: tuple[float, float, str, float], seconds: float = 10.0, **recording: Any) -> dict[str, Any]:
    """What the server could say of detections (start, end, common name, confidence)."""
    heard: list[dict[str, Any]] = [
        {"start": start, "end": end, "species": f"Avis {name.lower()}", "common_name": name, "confidence": sure}
        for start, end, name, sure in detections
    ]
    best: dict[str, dict[str, Any]] = {}
    for detection in sorted(heard, key=lambda d: -d["confidence"]):
        best.setdefault(detection["species"], {k: detection[k] for k in ("species", "common_name", "confidence")})
    return {
        "request_id": "r",
        "model": {"name": "test-birds", "version": "7"},
        "parameters": {"step": 2.5, "min_confidence": 0.1},
        "outcome": "species" if heard else "nothing",
        "recording": {"seconds": seconds, "sample_rate": 22050, "channels": 1, "warnings": [], **recording},
        "ranking": list(best.values()),
        "detections": heard,
    }


def answering(watched: Watched, **answer: Any) -> None:
    """Lets the next classifications answer that, in place of the server."""
    watched.page.unroute_all()
    watched.page.route("**/classify*", lambda route: route.fulfill(**answer))
