"""From what a model heard, by what people said of it, to what the next one learns."""

from typing import Any

from services.trainer.freeze import freeze
from services.trainer.frozen_dataset import Dataset, read_dataset
from services.trainer.selection import Selection
from shared.storage import storage_from
from tests.services.inference.conftest import encoded
from tests.services.teaching.conftest import Teaching
from tests.support.sounds import SPECIES, chirps

WHOSE = {"recordist": "Ann Lee", "licence": "CC BY 4.0"}


def frozen(teaching: Teaching) -> Dataset:
    storage = storage_from(teaching.analyses.settings)
    with teaching.sessions() as session:
        row = freeze(session, storage, Selection(min_recordings=1)).row()
    return read_dataset(storage.existing(row.file_key), sha256=row.sha256)


async def test_what_was_confirmed_and_corrected_trains_and_what_was_noise_does_not(teaching: Teaching) -> None:
    files = [(f"{number}.wav", encoded(chirps(SPECIES[number % 2], 5.0, number))) for number in range(3)]
    await teaching.heard(*files)
    asked = {one["file"]: one for one in await teaching.candidates()}
    said: list[dict[str, Any]] = [
        {"verdict": "confirmed"},
        {"verdict": "corrected", "species": "Kohlmeise"},
        {"verdict": "noise"},
    ]
    reviews = [
        await teaching.review(**one, candidate=asked[f"{number}.wav"]["id"], **WHOSE) for number, one in enumerate(said)
    ]
    taken = [await teaching.taken(one) for one in reviews]
    assert [one["state"] for one in taken] == ["succeeded"] * 3
    dataset = frozen(teaching)
    heard = asked["0.wav"]["species"]
    assert dataset.names == sorted([heard, "Parus major"])
    learnt = {one.label: one for one in dataset.recordings}
    for number, label in ((0, heard), (1, "Parus major")):
        row, example = teaching.recording(taken[number]["recording_id"]), learnt[label]
        assert (example.sha256, example.source, example.segmentation) == (row.sha256, "review", "given")
        assert (example.recordist, example.licence) == ("Ann Lee", "CC BY 4.0")
        candidate = asked[f"{number}.wav"]
        first, last = example.signal_sections[0][0], example.signal_sections[-1][1]
        assert (first, last) == (round(candidate["start"] * 22_050), round(candidate["end"] * 22_050))
        assert example.slices
    noise = teaching.recording(taken[2]["recording_id"])
    assert (noise.label, [one.kind for one in noise.slices]) == (None, ["noise"])
