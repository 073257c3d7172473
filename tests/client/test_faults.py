"""What goes wrong between client and server: what is asked again, what is not, and what is said."""

import io
import json
from email.utils import format_datetime
from pathlib import Path
from time import monotonic

import httpx
import pytest

from chiffchaff_client import (
    Chiffchaff,
    Job,
    KeyNeeded,
    NoAnswer,
    NotSaved,
    Problem,
    RateLimited,
    StillRunning,
    UnexpectedAnswer,
    WorkFailed,
)
from chiffchaff_client.errors import ChiffchaffError
from chiffchaff_client.patience import pause_after, retry_after
from shared.db.base import now
from tests.client.scripted import Answer, Scripted, answer, broken_off, nothing, problem, scripted
from tests.support.servers import free_port

COUNT = '{"recordings": 3, "seconds": 4.5, "signal_seconds": 1}'
FORM = {
    "id": "k", "name": "n", "prefix": "cc_", "scopes": ["classify"], "created_at": "2026-05-01T00:00:00Z",
    "expires_at": None, "last_used_at": None, "revoked_at": None, "key": "cc_1",
}  # fmt: skip
KEY = json.dumps(FORM)


def job(state: str, **changes: object) -> str:
    progress = {"done": 1, "total": 2, "message": "half", "fraction": 0.5, "seconds_left": None}
    same = {"attempts": 1, "max_attempts": 3, "cancel_requested": False, "error": None, "result": None}
    moments = {"created_at": "2026-05-01T00:00:00Z", "started_at": None, "finished_at": None}
    whole = {"id": "j", "kind": "k", "state": state, "progress": progress, "parent_id": None, **same, **moments}
    return json.dumps({**whole, **changes})


def methods(script: Scripted) -> list[str]:
    return [one.method for one in script.asked]


def test_who_asked_too_often_waits_as_long_as_the_server_says_and_asks_again() -> None:
    with scripted(problem(429, "rate-limited", Retry_After="1"), answer(COUNT)) as script, Chiffchaff(script.url) as it:
        began = monotonic()
        assert it.recordings.count().recordings == 3
        assert monotonic() - began >= 1
    with scripted(problem(429, "rate-limited", Retry_After="1"), answer(KEY)) as script, Chiffchaff(script.url) as it:
        assert it.keys.create("n", ["classify"]).key == "cc_1"
        assert methods(script) == ["POST", "POST"], "it was refused before anything was done"


def test_patience_ends_at_once_where_it_would_not_suffice() -> None:
    with scripted(problem(429, "rate-limited", Retry_After="3600")) as script, Chiffchaff(script.url) as it:
        with pytest.raises(RateLimited, match=r"D\. H\.") as raised:
            it.recordings.count()
        assert raised.value.retry_after == 3600
        assert len(script.asked) == 1


@pytest.mark.parametrize(
    "passing",
    [
        problem(503, "overloaded", Retry_After="0"),
        problem(502, "not-ready"),
        answer("<html>", 503, Content_Type="text/html"),
        nothing,
        broken_off(b"{"),
    ],
)
def test_what_may_pass_is_asked_again_only_where_that_does_no_harm(passing: Answer, tmp_path: Path) -> None:
    classified = {
        "request_id": "r", "outcome": "nothing", "ranking": [], "detections": [],
        "model": {"name": "m", "version": "1"},
        "parameters": {"step": 2.5, "min_confidence": 0.1, "top_k": 5, "thresholds": {}},
        "recording": {"seconds": 1, "sample_rate": 1, "channels": 1, "warnings": []},
    }  # fmt: skip
    with scripted(passing, answer(json.dumps(classified))) as script, Chiffchaff(script.url) as it:
        (tmp_path / "a.wav").write_bytes(b"sound")
        assert it.classify(tmp_path / "a.wav").outcome == "nothing"
        assert [one.body for one in script.asked] == [b"sound", b"sound"]
    with scripted(passing, answer(job("queued"))) as script, Chiffchaff(script.url) as it:
        assert it.storage.verify().id == "j"
        keys = [one.headers["Idempotency-Key"] for one in script.asked]
        assert len(keys) == 2
        assert len(set(keys)) == 1, "the server knows by it that this is the same"
    with scripted(passing, answer(KEY)) as script, Chiffchaff(script.url) as it:
        with pytest.raises(ChiffchaffError):
            it.keys.create("n", ["classify"])
        assert len(script.asked) == 1


def test_what_does_not_pass_is_not_asked_again() -> None:
    with scripted(problem(503, "not-ready")) as script, Chiffchaff(script.url) as it:
        with pytest.raises(Problem) as raised:
            it.recordings.count()
        assert (raised.value.code, raised.value.status, raised.value.title) == ("not-ready", 503, "T")
        assert len(script.asked) == 1
    address = f"http://127.0.0.1:{free_port()}"
    began = monotonic()
    with Chiffchaff(address) as it, pytest.raises(NoAnswer, match=f"No answer from {address}: .*refused.*make run"):
        it.recordings.count()
    assert monotonic() - began < 5


def test_a_stream_that_cannot_be_read_twice_is_sent_once() -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    with scripted(problem(429, "rate-limited", Retry_After="0")) as script, Chiffchaff(script.url) as it:
        with pytest.raises(RateLimited):
            it.classify(Pipe(b"sound"))
        assert len(script.asked) == 1


def test_a_recording_is_read_piece_by_piece_while_it_is_sent() -> None:
    class Counting(io.BytesIO):
        largest = 0

        def read(self, size: int | None = -1, /) -> bytes:
            assert size is not None
            assert size > 0, "the whole of it would be read"
            self.largest = max(self.largest, size)
            return super().read(size)

    with scripted(problem(415, "not-audio")) as script, Chiffchaff(script.url) as it:
        sound = Counting(b"x" * 3_000_000)
        with pytest.raises(Problem, match="D"):
            it.recordings.upload(sound, name="a.wav", label="Turdus merula")
        with pytest.raises(Problem, match="D"):
            it.classify(sound)
        assert sound.largest <= 1 << 20
        uploaded, raw = script.asked
        assert b'filename="a.wav"' in uploaded.body
        assert b"Turdus merula" in uploaded.body
        assert raw.body == b"x" * 3_000_000


def test_a_download_that_breaks_off_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "a.wav"
    target.write_bytes(b"before")
    lost = pytest.raises(NoAnswer, match="No answer from")
    with scripted(broken_off(b"half")) as script, Chiffchaff(script.url, patience=0) as it, lost:
        it.recordings.download("r", target)
    page, refused = answer(b"<html>", Content_Type="text/html"), pytest.raises(UnexpectedAnswer)
    with scripted(page) as script, Chiffchaff(script.url) as it, refused:
        it.recordings.download("r", target)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"before"]
    with scripted(broken_off(b"half"), answer(b"whole")) as script, Chiffchaff(script.url) as it:
        assert it.recordings.download("r", target).read_bytes() == b"whole"
    refused_here = pytest.raises(NotSaved, match="Is its folder there")
    with scripted(answer(b"whole")) as script, Chiffchaff(script.url) as it, refused_here:
        it.recordings.download("r", tmp_path / "none" / "a.wav")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (answer("<html>gateway</html>", 504, Content_Type="text/html"), "answers 504 .* as text/html.*proxy"),
        (answer("<html>log in</html>", Content_Type="text/html"), "answers 200 OK as text/html"),
        (answer("", 301, Location="https://birds.example/"), "give https://birds.example/ as the address"),
        (answer('{"recordings": "many"}'), "is not what this client expects"),
        (answer("not json"), "is not what this client expects"),
        (answer('{"detail": 1}', 500, Content_Type="application/problem+json"), "a problem that cannot be read"),
    ],
)
def test_an_answer_of_somebody_else_is_said_to_be_one(given: Answer, words: str) -> None:
    refused = pytest.raises(UnexpectedAnswer, match=words)
    with scripted(given) as script, Chiffchaff(script.url) as it, refused:
        it.recordings.count()


def test_what_a_newer_server_adds_is_ignored() -> None:
    with scripted(answer(COUNT.replace("{", '{"new": {"a": 1}, '))) as script, Chiffchaff(script.url) as it:
        assert it.recordings.count().model_dump() == {"recordings": 3, "seconds": 4.5, "signal_seconds": 1}


def test_the_key_comes_from_the_argument_or_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHIFFCHAFF_API_KEY", "from-outside\n")
    with scripted(answer(COUNT)) as script:
        for given in (None, "given", ""):
            with Chiffchaff(f"{script.url}/", given) as it:
                it.recordings.count()
        sent = [one.headers.get("Authorization") for one in script.asked]
        assert sent == ["Bearer from-outside", "Bearer given", None]
    with scripted(problem(401, "unauthorized")) as script, Chiffchaff(script.url) as it, pytest.raises(KeyNeeded):
        it.recordings.count()


def test_an_address_that_is_none_is_said_to_be_none() -> None:
    with pytest.raises(NoAnswer, match="is no address"):
        Chiffchaff("http://birds:port")
    with Chiffchaff("birds.example") as it, pytest.raises(NoAnswer, match="http://"):
        it.recordings.count()


def test_ids_stay_one_part_of_the_path_whatever_they_hold() -> None:
    with scripted(problem(404, "not-found")) as script, Chiffchaff(script.url) as it:
        with pytest.raises(Problem):
            it.jobs.cancel("../keys/1?x=y#z")
        assert script.asked[0].path == "/jobs/..%2Fkeys%2F1%3Fx%3Dy%23z"


def test_waiting_outlasts_a_restart_and_shows_each_look() -> None:
    seen: list[Job] = []
    failed = job("failed", error={"code": "not-audio", "detail": "It is a picture."})
    looks = (answer(job("queued")), problem(500, "internal-error"), answer(job("running")), answer(failed))
    with scripted(*looks) as script, Chiffchaff(script.url) as it:
        done = it.jobs.wait("j", seen.append)
    assert [one.state for one in seen] == ["queued", "running", "failed"]
    assert (done.ended, done.succeeded, seen[1].progress.fraction) == (True, False, 0.5)
    with pytest.raises(WorkFailed, match=r"Job j is failed\. It is a picture\."):
        done.raise_for_state()
    ill = problem(500, "internal-error")
    with scripted(ill) as script, Chiffchaff(script.url, patience=0) as it, pytest.raises(Problem):
        it.jobs.wait("j")
    with scripted(answer(job("running"))) as script, Chiffchaff(script.url) as it, pytest.raises(StillRunning):
        it.jobs.wait("j", seconds=0.5)


def test_events_go_on_after_the_last_one_that_came() -> None:
    def events(*parts: str) -> bytes:
        return "".join(parts).encode()

    epoch = 'event: epoch\nid: 7\ndata: {"message": "line\u2028separated"}\n\n'
    first = events(": ping\n\n", f"event: job\ndata: {job('running')}\n\n", epoch, "event: epoch\ndata: {")
    more = 'event: epoch\r\nid: 8\r\ndata: {"a":\r\ndata: 2}\r\n\r\n'
    rest = events(more, f"event: job\ndata: {job('succeeded')}\n\n")
    with scripted(broken_off(first), answer(rest)) as script, Chiffchaff(script.url) as it:
        told = [*it.trainings.events("t")]
        assert [(one.kind, one.id) for one in told] == [("job", ""), ("epoch", "7"), ("epoch", "8"), ("job", "")]
        assert (told[1].data, told[2].data) == ({"message": "line\u2028separated"}, {"a": 2})
        assert [one.headers.get("Last-Event-ID") for one in script.asked] == [None, "7"]
    with scripted(problem(404, "not-found")) as script, Chiffchaff(script.url) as it, pytest.raises(Problem):
        next(it.jobs.events("j"))


def test_how_long_to_wait_is_read_in_both_forms_and_grows_where_nothing_is_said() -> None:
    def said(value: str) -> float | None:
        return retry_after(httpx.Response(429, headers={"Retry-After": value}))

    assert (said("7"), said("soon"), said("")) == (7.0, None, None)
    assert said(format_datetime(now(), usegmt=True)) == pytest.approx(0, abs=2)
    lost = NoAnswer("lost", may_pass=True)
    pauses = [pause_after(lost, tries, repeatable=True) or 0 for tries in (1, 2, 3, 99)]
    assert pauses == sorted(pauses)
    assert 0.5 <= pauses[0] < 1
    assert pauses[-1] <= 12.5
    assert pause_after(NoAnswer("timed out"), 1, repeatable=True) is None
