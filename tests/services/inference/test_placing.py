"""What place and season do to an answer."""

from services.inference.classifier import Heard
from services.inference.placing import placed
from services.inference.schemas import Detection, Parameters, Ranked

EXPECTED = {"Avis ima": True, "Avis media": False, "Avis summa": None}
PARAMETERS = Parameters(step=2.5, min_confidence=0.1, top_k=5, latitude=48.1, longitude=11.6)


def heard(*species: str) -> Heard:
    ranking = [Ranked(species=name, common_name="", confidence=0.5) for name in species]
    detections = [Detection(start=0, end=5, species=name, common_name="", confidence=0.5) for name in species]
    return Heard("species", ranking, detections)


def test_what_is_not_expected_is_flagged_and_stays() -> None:
    answer = placed(heard(*EXPECTED), PARAMETERS, EXPECTED.__getitem__)
    assert {one.species: one.expected_here for one in answer.ranking} == EXPECTED
    assert {one.species: one.expected_here for one in answer.detections} == EXPECTED
    assert answer.outcome == "species"


def test_where_it_is_asked_for_only_what_is_known_not_to_be_expected_goes() -> None:
    dropping = PARAMETERS.model_copy(update={"unexpected": "drop"})
    answer = placed(heard(*EXPECTED), dropping, EXPECTED.__getitem__)
    assert [one.species for one in answer.detections] == ["Avis ima", "Avis summa"]
    assert [one.species for one in answer.ranking] == ["Avis ima", "Avis summa"]
    assert answer.outcome == "species"
    nobody = placed(heard("Avis media"), dropping, EXPECTED.__getitem__)
    assert (nobody.outcome, nobody.detections, nobody.ranking) == ("unknown", [], [])
    silence = Heard("nothing", [], [])
    assert placed(silence, dropping, EXPECTED.__getitem__).outcome == "nothing"
