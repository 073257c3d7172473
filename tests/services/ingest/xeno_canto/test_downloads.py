"""Files that come late, in pieces, or not at all."""

import pytest

from services.ingest.xeno_canto.run import FAILURES_IN_A_ROW, FORBIDDEN_IN_A_ROW
from shared.worker import Runtime
from tests.services.ingest.xeno_canto.conftest import Import
from tests.support.sounds import SPECIES
from tests.support.xeno_canto_server import (
    ETAG,
    XenoCanto,
    cut,
    redirect,
    sound,
    status,
)

RISING, FALLING = SPECIES


async def test_a_download_that_was_cut_goes_on_where_it_ended(importing: Import, xeno_canto: XenoCanto) -> None:
    xeno_canto.add(1)
    path = "/sounds/uploaded/XC1.wav"
    xeno_canto.troubles[path].append(cut(40_000, xeno_canto.files["1"]))
    assert (await importing.run(species=[RISING]))["counts"]["accepted"] == 1
    assert [one.headers.get("range") for one in xeno_canto.asked(path)] == [None, "bytes=40000-"]
    assert importing.recordings()["1"].size == len(xeno_canto.files["1"])
    assert list(importing.settings.scratch_dir.glob("xeno-canto/*")) == []


@pytest.mark.parametrize("change", [{"ranges": False}, {"etag": '"second"'}])
async def test_a_file_begins_anew_where_the_server_ignores_ranges_or_has_another_version(
    importing: Import, xeno_canto: XenoCanto, change: dict[str, object]
) -> None:
    xeno_canto.add(1)
    xeno_canto.troubles["/sounds/uploaded/XC1.wav"].append(cut(200_000, sound(99, seconds=6.0), ETag=ETAG))
    for name, value in change.items():
        setattr(xeno_canto, name, value)
    await importing.run(species=[RISING])
    recording = importing.recordings()["1"]
    assert Runtime(importing.settings).storage.path(recording.original_key).read_bytes() == xeno_canto.files["1"]


async def test_one_bad_file_stops_nothing_and_says_why(importing: Import, xeno_canto: XenoCanto) -> None:
    for number in range(1, 8):
        xeno_canto.add(number)
    xeno_canto.files["1"] = b"<!doctype html>log in first"
    xeno_canto.files["2"] = b""
    for number, code in ((3, 404), (4, 410), (5, 403)):
        xeno_canto.troubles[f"/{number}/download"].append(status(code))
    xeno_canto.records[5]["file"] = "http://169.254.169.254/latest/meta-data"
    done = await importing.run(species=[RISING])
    assert (done["counts"]["accepted"], done["counts"]["refused"]) == (1, 6)
    problems = {one["path"]: one["code"] for one in done["problems"]}
    assert problems == {
        "XC1": "not-audio",
        "XC2": "empty-audio",
        "XC3": "download-refused",
        "XC4": "download-refused",
        "XC5": "download-refused",
        "XC6": "address-refused",
    }


async def test_a_file_that_never_comes_whole_is_tried_again_at_the_end_and_then_refused(
    importing: Import, xeno_canto: XenoCanto
) -> None:
    xeno_canto.add(1)
    xeno_canto.add(2)
    xeno_canto.troubles["/1/download"].extend([status(500)] * 10)
    started = await importing.start(species=[RISING])
    importing.work()
    half = await importing.look(started)
    assert (half["state"], half["counts"]["accepted"], half["counts"]["listed"]) == ("queued", 1, 1)
    importing.work()
    done = await importing.look(started)
    assert (done["job"]["state"], done["counts"]["refused"]) == ("succeeded", 1)
    assert "answered 500" in done["problems"][0]["detail"]


async def test_a_service_that_is_down_refuses_no_file(importing: Import, xeno_canto: XenoCanto) -> None:
    for number in range(1, 6):
        xeno_canto.add(number)
        xeno_canto.troubles[f"/{number}/download"].extend([status(502)] * 5)
    started = await importing.start(species=[RISING])
    importing.work()
    down = await importing.look(started)
    assert (down["state"], down["counts"]["listed"], down["problems"]) == ("queued", 5, [])
    assert len(xeno_canto.seen) == 1 + 5 * FAILURES_IN_A_ROW


async def test_who_is_forbidden_one_file_after_another_stops_asking_and_refuses_none(
    importing: Import, xeno_canto: XenoCanto
) -> None:
    for number in range(1, FORBIDDEN_IN_A_ROW + 3):
        xeno_canto.add(number)
        xeno_canto.troubles[f"/{number}/download"].append(status(403))
    done = await importing.run(species=[RISING])
    assert (done["state"], done["counts"]["listed"], done["problems"]) == ("queued", FORBIDDEN_IN_A_ROW + 2, [])
    assert "answered 403" in done["job"]["error"]["detail"]
    assert len(xeno_canto.seen) == 1 + FORBIDDEN_IN_A_ROW


async def test_all_files_bad_is_a_failure_with_reasons(importing: Import, xeno_canto: XenoCanto) -> None:
    xeno_canto.add(1, content=b"")
    done = await importing.run(species=[RISING])
    assert done["state"] == "failed"
    assert "None of the 1 files could be used. XC1: The file has no content" in done["job"]["error"]["detail"]


@pytest.mark.parametrize(
    ("setting", "reason"),
    [({"xeno_canto_max_file_mb": 1}, "larger than 1 MB"), ({"xeno_canto_max_file_seconds": 1e-9}, "longer than")],
)
async def test_a_file_that_is_too_large_or_too_slow_is_refused(
    importing: Import, xeno_canto: XenoCanto, setting: dict[str, object], reason: str
) -> None:
    xeno_canto.add(1, content=sound(seconds=30.0))
    started = await importing.start(species=[RISING])
    importing.work(**setting)
    assert reason in (await importing.look(started))["problems"][0]["detail"]


LEADS_ASTRAY = {
    "http://10.0.0.1/x.mp3": "is not asked",
    "https://xeno-canto.org.example/x.mp3": "is not asked",
    "http://xeno-canto.org/x.mp3": "is not asked",
    "https://xeno-canto.org:8443/x.mp3": "is not asked",
    "https://me:secret@xeno-canto.org/x.mp3": "user name",
    "http://localhost:{port}/1/download": "is not asked",
    "file:///etc/passwd": "is not asked",
    "/9/download": "leads on and on",
}


async def test_a_redirect_leads_nowhere_else(importing: Import, xeno_canto: XenoCanto) -> None:
    for number, target in enumerate(LEADS_ASTRAY, start=2):
        xeno_canto.add(number)
        xeno_canto.troubles[f"/{number}/download"].append(redirect(target.format(port=xeno_canto.port)))
    xeno_canto.troubles["/9/download"].extend([redirect("/9/download")] * 9)
    done = await importing.run(species=[RISING])
    details = [one["detail"] for one in done["problems"]]
    assert len(details) == len(LEADS_ASTRAY)
    assert all(reason in detail for reason, detail in zip(LEADS_ASTRAY.values(), details, strict=True))
    assert not xeno_canto.asked("/1/download")
    assert len(xeno_canto.asked("/9/download")) == 4
