"""Reviews by the client: real candidates, real answers."""

from pathlib import Path

import pytest

from chiffchaff_client import Chiffchaff, NotThere, Problem
from tests.services.inference.conftest import HIGH, LOW, encoded, song


def test_what_was_heard_is_reviewed_counted_and_withdrawn(hearing: Chiffchaff, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(encoded((song(LOW) + song(HIGH)) / 2))
    analysis = hearing.analyses.wait(hearing.analyses.upload([path]).id, seconds=60).id
    (asked,) = hearing.reviews.candidates(analysis=analysis)
    assert {asked.species, *(one.species for one in asked.others)} == {"Avis ima", "Avis summa"}
    assert hearing.reviews.candidate(asked.id) == asked
    said = hearing.reviews.say(asked.id, "corrected", "Kohlmeise", recordist="Ann Lee", licence="CC BY 4.0")
    assert (said.species, said.state, said.ended, said.reason) == ("Parus major", "queued", False, "")
    with pytest.raises(Problem, match="has been reviewed"):
        hearing.reviews.say(asked.id, "noise")
    drawn = [hearing.reviews.draw(analysis, 0, 1.0, 2.0, name) for name in ("Amsel", None)]
    assert [(one.verdict, one.species) for one in drawn] == [("added", "Turdus merula"), ("noise", None)]
    counts = hearing.reviews.counts(analysis=analysis)
    assert (counts.waiting, counts.reviewed, counts.taking) == (0, 3, 3)
    assert hearing.reviews.counts(since=said.created_at).reviewed == 2
    assert [one.species for one in counts.species] == ["Parus major", "Turdus merula"]
    assert [one.id for one in hearing.reviews.list(analysis=analysis, limit=2)] == [drawn[1].id, drawn[0].id]
    hearing.reviews.withdraw(said.id)
    with pytest.raises(NotThere):
        hearing.reviews.get(said.id)
    assert [one.id for one in hearing.reviews.candidates(analysis=analysis)] == [asked.id]
