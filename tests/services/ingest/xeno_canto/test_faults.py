"""Workers that are killed in the middle, and searches that find very much."""

import json
import os
import resource
import subprocess
import sys
import threading
import time

from shared import jobs
from shared.worker import Runtime
from tests.services.ingest.xeno_canto.conftest import Import
from tests.support.sounds import SPECIES
from tests.support.waiting import until
from tests.support.xeno_canto_server import KEY, SEARCH, XenoCanto, sound

RISING = SPECIES[0]
WORK = "from services.ingest.tasks import WORKER; from shared.settings import Settings; \
from shared.worker import Runtime; Runtime(Settings()).answer(WORKER)"


def worker(importing: Import) -> subprocess.Popen[bytes]:
    """A process of its own that takes the next job."""
    own = importing.settings
    settings = {
        "CHIFFCHAFF_DATA_DIR": str(own.data_dir),
        "CHIFFCHAFF_DATABASE_URL": own.database_url.get_secret_value(),
        "CHIFFCHAFF_XENO_CANTO_URL": own.xeno_canto_url,
        "CHIFFCHAFF_XENO_CANTO_KEY": KEY,
        "CHIFFCHAFF_XENO_CANTO_INTERVAL_SECONDS": "0",
    }
    return subprocess.Popen([sys.executable, "-c", WORK], env={**os.environ, **settings})


async def test_a_worker_killed_in_the_middle_of_a_download_loses_nothing_and_asks_for_the_rest_only(
    importing: Import, xeno_canto: XenoCanto
) -> None:
    xeno_canto.add(1)
    xeno_canto.add(2, content=sound(2, seconds=60.0))
    path = "/sounds/uploaded/XC2.wav"
    xeno_canto.pause = threading.Event()
    half = len(xeno_canto.files["2"]) // 2
    xeno_canto.pause.set()
    xeno_canto.troubles["/2/download"].append(
        lambda handler: (xeno_canto.pause and xeno_canto.pause.clear(), handler.reply(302, Location=path))[1]
    )
    started = await importing.start(species=[RISING])
    importing.settings.storage_dir.mkdir(parents=True, exist_ok=True)
    process = worker(importing)
    part = importing.settings.scratch_dir / "xeno-canto" / started / "XC2.part"
    until(lambda: part.exists() and part.stat().st_size > half // 2, what="half of the file")
    process.kill()
    process.wait()
    xeno_canto.pause.set()
    there = part.stat().st_size
    with importing.sessions.begin() as session:
        assert jobs.release_all(session)
    importing.work()
    done = await importing.look(started)
    assert (done["counts"]["accepted"], done["counts"]["listed"]) == (2, 0)
    assert [one.headers.get("range") for one in xeno_canto.asked(path)] == [None, f"bytes={there}-"]
    assert len(xeno_canto.asked("/1/download")) == 1
    stored = Runtime(importing.settings).storage.path(importing.recordings()["2"].original_key)
    assert stored.read_bytes() == xeno_canto.files["2"]


async def test_a_search_with_thousands_of_results_takes_seconds_and_little_memory(
    importing: Import, xeno_canto: XenoCanto
) -> None:
    for number in range(1, 2_001):
        xeno_canto.add(number, content=b"", rmk="x" * 2_000)
    started = await importing.start(species=[RISING], dry_run=True)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    importing.work()
    assert time.monotonic() - began < 30
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000, "kB: a page at a time is held"
    done = await importing.look(started)
    assert done["job"]["result"]["summary"]["chosen"] == 2_000
    assert importing.items() == {}


async def test_a_job_that_is_taken_up_again_after_the_choice_does_not_choose_anew(
    importing: Import, xeno_canto: XenoCanto
) -> None:
    for number in (1, 2, 3, 4):
        xeno_canto.add(number)
    started = await importing.start(species=[RISING], max_per_species=3)
    importing.work(max_waiting=1)
    paused = await importing.look(started)
    assert (paused["state"], paused["counts"]["accepted"], paused["counts"]["listed"]) == ("queued", 1, 2)
    xeno_canto.add(5, length="9:00")
    importing.work()
    assert set(importing.recordings()) == {"1", "2", "3"}
    assert len(xeno_canto.asked(SEARCH)) == 1
    assert (await importing.look(started))["job"]["result"]["summary"]["chosen"] == 3


async def test_a_file_that_was_whole_when_its_worker_died_is_not_asked_for_again(
    importing: Import, xeno_canto: XenoCanto
) -> None:
    xeno_canto.add(1)
    started = await importing.start(species=[RISING])
    part = importing.settings.scratch_dir / "xeno-canto" / started / "XC1.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(xeno_canto.files["1"])
    part.with_suffix(".json").write_text(json.dumps({"validator": "", "total": part.stat().st_size}))
    importing.work()
    assert set(importing.recordings()) == {"1"}
    assert [one.path for one in xeno_canto.seen] == [SEARCH]
