"""A model that knows three pitches, sound for it to hear, and the service around it."""

import asyncio
import functools
import io
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import numpy.typing as npt
import pytest
import pytest_asyncio
import soundfile
import torch
from fastapi import FastAPI
from torch import Tensor, nn

from services.inference.api import API
from services.inference.serving import Serving
from shared.audio.constants import SAMPLE_RATE, WINDOW_SAMPLES
from shared.db.engine import sync_engine
from shared.db.migrate import migrate
from shared.http.app import build_app
from shared.model_file import DatasetReference, Label, Metric, ModelManifest, RecordingCredit, write_model
from shared.settings import Settings

LOW, MIDDLE, HIGH = 700.0, 2_500.0, 6_000.0
Samples = npt.NDArray[np.float32]


class PitchNetwork(nn.Module):
    """Logits by the share of a window's energy below 1.5 kHz, between, and above 4 kHz: right by construction."""

    def __init__(self, window: int, rate: int) -> None:
        super().__init__()
        self.window = window
        self.rate = rate
        self.scale = nn.Parameter(torch.tensor(6.0))

    def forward(self, windows: Tensor) -> Tensor:
        energy = torch.fft.rfft(windows).abs().square()
        first = 1_500 * windows.size(1) // self.rate
        second = 4_000 * windows.size(1) // self.rate
        bands = [energy[:, :first].sum(1), energy[:, first:second].sum(1), energy[:, second:].sum(1)]
        shares = torch.stack(bands, 1) / energy.sum(1, keepdim=True)
        logits: Tensor = self.scale * shares
        return logits

    @torch.jit.export
    def analyse(self, waveform: Tensor, step: float) -> Tensor:
        samples, hop = waveform.size(0), int(step * self.rate + 0.5)
        rows: list[Tensor] = []
        for index in range(1 + (max(0, samples - self.window) + hop - 1) // hop):
            content = waveform[index * hop : index * hop + self.window]
            rows.append(content.repeat(self.window // content.size(0) + 1)[: self.window])
        return self.forward(torch.stack(rows))


def manifest(name: str = "pitches", common: str = "", **changes: Any) -> ModelManifest:
    """Of the model above; `common` begins the common names, so that models can be told apart by their answers."""
    fields: dict[str, Any] = {
        "name": name,
        "version": "1",
        "created": datetime(2026, 5, 1, tzinfo=UTC),
        "network": "pitch",
        "labels": [
            Label(scientific=f"Avis {latin}", common=f"{common}{english}")
            for latin, english in [("ima", "Low Bird"), ("media", "Middle Bird"), ("summa", "High Bird")]
        ],
        "sample_rate": SAMPLE_RATE,
        "window_seconds": 5.0,
        "step_seconds": 2.5,
        "front_end": {},
        "activation": "softmax",
        "default_min_confidence": 0.3,
        "metrics": {"macro_top1": Metric(value=0.9, low=0.8, high=0.95)},
        "dataset": DatasetReference(id="d", sha256="0" * 64, recordings=2, slices=3),
        "recordings": [
            RecordingCredit(sha256="1" * 64, xc_id="1", recordist="Ada", licence="CC BY-NC-SA 4.0", species="Avis ima"),
            RecordingCredit(sha256="2" * 64, xc_id="2", recordist="Bob", licence="CC BY 3.0", species="Avis summa"),
        ],
    }
    return ModelManifest(**{**fields, **changes})


def write_pitch_model(path: Path, described: ModelManifest) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        network = torch.jit.script(PitchNetwork(WINDOW_SAMPLES, SAMPLE_RATE).eval())
    write_model(path, network, described)
    return path


def song(*pitches: float, seconds: float = 5.0, rate: int = SAMPLE_RATE) -> Samples:
    """One pitch after the other, `seconds` each, float32 mono."""
    at = np.arange(round(seconds * rate)) / rate
    return np.concatenate([0.3 * np.sin(2 * np.pi * pitch * at) for pitch in pitches]).astype(np.float32)


def encoded(samples: Samples, *, rate: int = SAMPLE_RATE, kind: str = "WAV") -> bytes:
    """A sound file; samples (n,) or (n, channels)."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=kind)
    return file.getvalue()


def ship_model(models_dir: Path, name: str = "pitches", *, folder: str = "", **changes: Any) -> Path:
    """Puts a model with a card and an ONNX file (of no use) among the shipped ones; gives its folder."""
    target = models_dir / (folder or name)
    target.mkdir()
    write_pitch_model(target / "model.pt", manifest(name, **changes))
    (target / "model.onnx").write_bytes(b"onnx of " + name.encode())
    (target / "card.md").write_text(f"# {name}\n", encoding="utf-8")
    return target


def prepare(root: Path) -> Settings:
    """Settings for a fresh data directory with a schema, and an empty directory for shipped models."""
    made = Settings(data_dir=root / "data", models_dir=root / "models", max_upload_mb=4, torch_threads=1)
    made.data_dir.mkdir()
    made.models_dir.mkdir()
    engine = sync_engine(made)
    migrate(engine)
    engine.dispose()
    return made


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return prepare(tmp_path)


@pytest.fixture
def models_dir(settings: Settings) -> Path:
    return settings.models_dir


Ship = Callable[..., Path]


@pytest.fixture
def ship(models_dir: Path) -> Ship:
    return functools.partial(ship_model, models_dir)


class Client(httpx.AsyncClient):
    """A client of an application in this process, which a test may look behind."""

    def __init__(self, app: FastAPI, settings: Settings) -> None:
        # What goes wrong inside is seen as the answer that a client would get.
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        super().__init__(transport=transport, base_url="http://test", timeout=60)
        self.app = app
        self.settings = settings

    @property
    def serving(self) -> Serving:
        serving: Serving = self.app.state.serving
        return serving

    async def readiness(self) -> dict[str, Any]:
        """What `/readyz` says of the model."""
        model: dict[str, Any] = (await self.get("/readyz")).json()["checks"]["model"]
        return model

    def uploads_left(self) -> list[Path]:
        return list(self.settings.scratch_dir.glob("classify-*"))


@asynccontextmanager
async def starting(settings: Settings) -> AsyncIterator[Client]:
    """A client of a service that has just been started."""
    app = build_app(settings, [API])
    async with app.router.lifespan_context(app), Client(app, settings) as client:
        yield client


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Client]:
    """A client of a service that has its model in memory."""
    async with starting(settings) as client, asyncio.timeout(60):
        while not (await client.readiness())["ok"]:
            pass
        yield client


@pytest.fixture
async def client(settings: Settings, ship: Ship) -> AsyncIterator[Client]:
    """A service of the test's own with one shipped model."""
    ship()
    async with running(settings) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    """One service with one model for the tests of a module that change nothing about it."""
    settings = prepare(tmp_path_factory.mktemp("service"))
    ship_model(settings.models_dir)
    async with running(settings) as opened:
        yield opened


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document of an answer, which must be one that helps."""
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["detail"]
    assert document["hint"]
    return document
