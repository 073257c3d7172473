import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile

from shared.audio.decode import decode_to_wav
from shared.audio.decoder_process import DecoderProcess
from shared.audio.report import DecodeLimits, DecodeReport
from shared.audio.sandbox import DecoderPool
from shared.audio.wav import open_prepared
from shared.errors import DecoderCrashed, DecodeTimeout, NotAudio, SilentAudio, TransientError

Make = Callable[..., Path]


@pytest.fixture
def pool() -> Iterator[DecoderPool]:
    with DecoderPool(1) as made:
        yield made


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    """A file that opens and never gives a byte: whoever decodes it hangs until the test lets go."""
    path = tmp_path / "pipe.wav"
    os.mkfifo(path)
    return path


def python(script: str, *arguments: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition was not met in time"
        threading.Event().wait(0.01)


def test_a_child_decodes_as_this_process_does(pool: DecoderPool, recording: Make, tmp_path: Path) -> None:
    path = recording("mp3")
    report = pool.decode_to_wav(path, tmp_path / "there.wav")
    assert report == decode_to_wav(path, tmp_path / "here.wav")
    assert (tmp_path / "there.wav").read_bytes() == (tmp_path / "here.wav").read_bytes()


def test_nothing_starts_before_the_first_file_and_one_child_serves_many(
    pool: DecoderPool, recording: Make, tmp_path: Path
) -> None:
    assert pool.processes() == []
    seen = set()
    for _ in range(3):
        pool.decode_to_wav(recording("wav"), tmp_path / "out")
        seen |= set(pool.processes())
    assert len(seen) == 1


def test_a_child_is_replaced_after_its_share_of_files(recording: Make, tmp_path: Path) -> None:
    path = recording("wav")
    with DecoderPool(1, files_per_child=2) as pool:
        seen = []
        for _ in range(5):
            pool.decode_to_wav(path, tmp_path / "out")
            seen += pool.processes()
        assert [seen[0] == seen[1], seen[1] == seen[2], seen[2] == seen[3], seen[3] == seen[4]] == [
            True,
            False,
            True,
            False,
        ]
    assert not any(map(is_running, seen))


def test_the_next_child_starts_while_the_last_files_are_decoded(recording: Make, tmp_path: Path) -> None:
    path = recording("wav")
    others = {child.pid for child in psutil.Process().children()}
    with DecoderPool(1, files_per_child=10) as pool:
        seen = []
        for _ in range(11):
            pool.decode_to_wav(path, tmp_path / "out")
            seen.append({child.pid for child in psutil.Process().children()} - others)
        first, last, after = seen[0], seen[9], seen[10]
        assert seen[:9] == [first] * 9
        assert first < last
        assert after == last - first == set(pool.processes())
    assert not any(map(is_running, last))


def test_errors_come_back_as_they_were_and_the_child_lives_on(
    pool: DecoderPool, recording: Make, tmp_path: Path
) -> None:
    pool.decode_to_wav(recording("wav"), tmp_path / "out")
    before = pool.processes()
    (tmp_path / "text").write_text("no bird at all")
    with pytest.raises(NotAudio, match="text") as caught:
        pool.decode_to_wav(tmp_path / "text", tmp_path / "never")
    assert "FLAC" in caught.value.hint
    with pytest.raises(SilentAudio):
        pool.decode_to_wav(recording("wav", np.zeros(44_100)), tmp_path / "never")
    with pytest.raises(FileNotFoundError):
        pool.decode_to_wav(tmp_path / "missing", tmp_path / "never")
    assert pool.processes() == before
    assert not (tmp_path / "never").exists()
    assert not list(tmp_path.glob("*.part"))


def test_a_crash_costs_its_own_file_only(pool: DecoderPool, pipe: Path, recording: Make, tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as executor:
        crashing = executor.submit(pool.decode_to_wav, pipe, tmp_path / "never")
        with pipe.open("wb"):
            os.kill(pool.processes()[0], signal.SIGSEGV)
            with pytest.raises(DecoderCrashed, match="SIGSEGV"):
                crashing.result()
    assert isinstance(pool.decode_to_wav(recording("wav"), tmp_path / "out"), DecodeReport)


def test_a_file_whose_decoder_was_killed_is_tried_once_more(
    pool: DecoderPool, pipe: Path, recording: Make, tmp_path: Path
) -> None:
    good = recording("wav")
    with ThreadPoolExecutor(1) as executor:
        decoding = executor.submit(pool.decode_to_wav, pipe, tmp_path / "out")
        with pipe.open("wb"):
            first = pool.processes()[0]
            good.replace(pipe)
            os.kill(first, signal.SIGKILL)
            assert decoding.result().samples == len(open_prepared(tmp_path / "out"))
    assert pool.processes() != [first]


def test_a_file_whose_decoder_is_killed_twice_is_given_up(pool: DecoderPool, pipe: Path, tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as executor:
        decoding = executor.submit(pool.decode_to_wav, pipe, tmp_path / "out")
        for _ in range(2):
            with pipe.open("wb"):
                child = pool.processes()
                os.kill(child[0], signal.SIGKILL)
                wait_until(lambda: pool.processes() != child)  # noqa: B023 - it is called at once
        with pytest.raises(DecoderCrashed, match="killed twice"):
            decoding.result()


def test_a_hanging_file_is_given_up_after_its_time(
    pool: DecoderPool, pipe: Path, recording: Make, tmp_path: Path
) -> None:
    with pytest.raises(DecodeTimeout, match="longer than"):
        pool.decode_to_wav(pipe, tmp_path / "never", DecodeLimits(wall_seconds=0.3))
    assert pool.processes() == []
    pool.decode_to_wav(recording("wav"), tmp_path / "out")


def test_whoever_waits_is_told_how_far_it_is_and_can_end_it(pool: DecoderPool, pipe: Path, tmp_path: Path) -> None:
    told: list[float | None] = []

    def enough(share: float | None) -> None:
        told.append(share)
        if len(told) == 3:
            raise InterruptedError("enough")

    started = time.monotonic()
    with ThreadPoolExecutor(1) as executor:
        decoding = executor.submit(pool.decode_to_wav, pipe, tmp_path / "never", told=enough)
        with pipe.open("wb"), pytest.raises(InterruptedError, match="enough"):
            decoding.result()
    assert told == [None, None, None]
    assert time.monotonic() - started < 20
    assert pool.processes() == []
    assert not list(tmp_path.glob("*.part"))


def test_the_share_that_is_decoded_grows_up_to_the_whole(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    soundfile.write(path, np.tile(np.linspace(-0.5, 0.5, 48_000), 600), 48_000)
    told: list[float | None] = []
    with DecoderPool(1) as pool:
        pool.decode_to_wav(path, tmp_path / "out", told=told.append)
    shares = [share for share in told if share is not None]
    assert shares == sorted(shares)
    assert 0 < shares[0] < 1 <= len(shares)


def test_a_child_that_only_ever_tells_is_given_up_after_its_time(tmp_path: Path, recording: Make) -> None:
    process = DecoderProcess(files=1)
    chatty = "import sys\nwhile True: sys.stdout.write('{\"decoded\": 0.5}\\n'); sys.stdout.flush()\n"
    command = [sys.executable, "-c", chatty]
    process._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    with pytest.raises(DecodeTimeout):
        process.ask({}, DecodeLimits(wall_seconds=0.3))
    assert process.pid is None


def test_two_children_work_at_once_and_a_third_caller_waits(recording: Make, tmp_path: Path) -> None:
    paths = [recording(kind) for kind in ("wav", "mp3", "flac", "webm", "m4a", "ogg")] * 4
    with DecoderPool(2) as pool, ThreadPoolExecutor(8) as executor:
        jobs = [executor.submit(pool.decode_to_wav, path, tmp_path / f"out-{i}") for i, path in enumerate(paths)]
        for index, job in enumerate(jobs):
            assert job.result().samples == len(open_prepared(tmp_path / f"out-{index}"))
        assert 1 <= len(pool.processes()) <= 2


def test_closing_ends_the_children_and_those_who_wait(pipe: Path, tmp_path: Path) -> None:
    pool = DecoderPool(1)
    with ThreadPoolExecutor(2) as executor:
        working = executor.submit(pool.decode_to_wav, pipe, tmp_path / "never")
        with pipe.open("wb"):
            children = pool.processes()
            waiting = executor.submit(pool.decode_to_wav, pipe, tmp_path / "never")
            pool.close()
        with pytest.raises(TransientError, match="closing"):
            working.result()
        with pytest.raises((RuntimeError, TransientError)):
            waiting.result()
    assert not any(map(is_running, children))
    with pytest.raises(RuntimeError, match="closed"):
        pool.decode_to_wav(pipe, tmp_path / "never")


def test_children_end_when_their_parent_is_killed(recording: Make, pipe: Path, tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from shared.audio.sandbox import DecoderPool\n"
        "pool = DecoderPool(1); source, pipe, out = map(Path, sys.argv[1:])\n"
        "pool.decode_to_wav(source, out); print(pool.processes()[0], flush=True)\n"
        "pool.decode_to_wav(pipe, out)\n"
    )
    with python(script, recording("wav"), pipe, tmp_path / "out") as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        with pipe.open("wb"):
            assert is_running(child)
            parent.kill()
            wait_until(lambda: not is_running(child))


def test_a_child_whose_parent_is_gone_leaves_nothing_half_done(tmp_path: Path) -> None:
    script = (
        "import threading; from shared.audio import decode_child\n"
        "def begin(src, dst, limits, part, told): part.touch(); threading.Event().wait()\n"
        "decode_child.decode_to_wav = begin; decode_child.main()\n"
    )
    part = tmp_path / "out.part"
    with python(script) as child:
        assert child.stdin is not None
        child.stdin.write(json.dumps({"src": "a", "dst": "b", "part": str(part), "limits": {}}).encode() + b"\n")
        child.stdin.flush()
        wait_until(part.exists)
        child.stdin.close()
        assert child.wait(60) == 0
    assert not part.exists()


def test_a_pool_that_is_busy_works_in_a_forked_process_too(recording: Make, pipe: Path, tmp_path: Path) -> None:
    script = (
        "import os, sys, threading; from pathlib import Path; from shared.audio.sandbox import DecoderPool\n"
        "pool = DecoderPool(1); source, pipe, out = map(Path, sys.argv[1:])\n"
        "threading.Thread(target=pool.decode_to_wav, args=(pipe, out), daemon=True).start()\n"
        "with pipe.open('wb'):\n"
        "    forked = os.fork()\n"
        "    if forked == 0:\n"
        "        pool.decode_to_wav(source, out); os._exit(0)\n"
        "    assert os.waitstatus_to_exitcode(os.waitpid(forked, 0)[1]) == 0\n"
        "    os._exit(0)\n"
    )
    with python(script, recording("wav"), pipe, tmp_path / "out") as process:
        assert process.wait(60) == 0


@pytest.mark.parametrize(
    ("accident", "said"),
    [
        ("import numpy; numpy.ones(300_000_000)", "256 MB"),
        ("[][0]", "broke down on this file (IndexError)"),
    ],
)
def test_an_accident_while_decoding_is_an_error_of_that_file(tmp_path: Path, accident: str, said: str) -> None:
    script = (
        "from shared.audio import decode_child\n"
        f"def decode_to_wav(*given, **named): {accident}\n"
        "decode_child.decode_to_wav = decode_to_wav; decode_child.main()\n"
    )
    child = python(script)
    request = {"src": "a", "dst": "b", "part": str(tmp_path / "part"), "limits": {"memory_mb": 256}}
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stdout.readline() == b"{}\n"
    for _ in range(2):
        child.stdin.write(json.dumps(request).encode() + b"\n")
        child.stdin.flush()
        answer = json.loads(child.stdout.readline())
        assert (answer["error"], said in answer["detail"]) == ("DecoderCrashed", True)
    child.communicate(timeout=60)


def test_a_child_knows_no_secret_of_its_parent(
    pool: DecoderPool, recording: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHIFFCHAFF_API_KEYS", "hush")
    pool.decode_to_wav(recording("wav"), tmp_path / "out")
    assert b"hush" not in Path(f"/proc/{pool.processes()[0]}/environ").read_bytes()


def test_importing_the_pool_loads_no_codec() -> None:
    script = "import shared.audio.sandbox, sys; assert not {'av', 'soundfile', 'torch', 'scipy'} & set(sys.modules)"
    with python(script) as process:
        assert process.wait(60) == 0
