"""One species, however it is written."""

from pathlib import Path

import pytest
from sqlalchemy import event

from shared.db.engine import SyncSessions, sync_engine, sync_sessions
from shared.db.migrate import migrate
from shared.db.tables import Species
from shared.settings import Settings
from shared.species import SpeciesName, built_in, ensure, find, resolve
from tests.conftest import new_database
from tests.support.servers import Postgres


@pytest.mark.parametrize("label", ["Turdus merula", "turdus_merula", "TURDUS-MERULA", "Amsel", "common  blackbird"])
def test_scientific_english_and_german_names_mean_the_same(label: str) -> None:
    assert resolve(label) == SpeciesName("Turdus merula", "Common Blackbird", {"de": "Amsel"})


def test_a_hyphen_inside_a_name_is_kept_apart_from_one_between_words() -> None:
    assert resolve("Long-tailed Tit").scientific == "Aegithalos caudatus"


def test_an_unknown_label_stands_for_itself() -> None:
    assert resolve("Avis_nova ", "New Bird") == SpeciesName("Avis nova", "New Bird")


def test_a_folder_name_as_a_mac_encodes_it_is_known() -> None:
    assert resolve("Teichrohrsa\u0308nger").scientific == "Acrocephalus scirpaceus"


def test_a_source_adds_names_in_languages_that_are_not_built_in() -> None:
    given = {"fr": "Merle noir", "de": "Schwarzdrossel", "en": "Blackbird", "nl": " "}
    assert resolve("Amsel", "", given) == SpeciesName(
        "Turdus merula", "Common Blackbird", {"fr": "Merle noir", "de": "Amsel"}
    )
    assert resolve("Avis nova", "", given) == SpeciesName(
        "Avis nova", "Blackbird", {"fr": "Merle noir", "de": "Schwarzdrossel"}
    )


def test_names_that_sources_gave_are_kept_and_found(sessions: SyncSessions) -> None:
    with sessions.begin() as session:
        ensure(session, SpeciesName("Turdus merula", "Common Blackbird", {"de": "Amsel"}))
        ensure(session, SpeciesName("Turdus merula", "", {"de": "Schwarzdrossel", "fr": "Merle noir"}))
        ensure(session, SpeciesName("Avis nova", "", {"fr": "Étourneau neuf"}))
    with sessions() as session:
        assert session.get_one(Species, "Turdus merula").names == {"de": "Amsel", "fr": "Merle noir"}
        assert find(session, "MERLE_NOIR").scientific == "Turdus merula"
        assert find(session, "étourneau  neuf").scientific == "Avis nova"
        assert find(session, "Kohlmeise").scientific == "Parus major", "also where the library has none"
        assert find(session, "nobody").scientific == "nobody"


def test_two_that_add_a_species_at_the_same_moment_both_go_on(postgres: Postgres, tmp_path: Path) -> None:
    settings = Settings.model_validate({"data_dir": tmp_path, "database_url": new_database(postgres)})
    engine = sync_engine(settings)
    migrate(engine)
    sessions = sync_sessions(engine)
    with sessions.begin() as session:

        @event.listens_for(session, "before_flush", once=True)
        def _another_is_first(*_: object) -> None:
            with sessions.begin() as other:
                ensure(other, SpeciesName("Avis nova", "New Bird"))

        ensure(session, SpeciesName("Avis nova", "", {"fr": "Oiseau neuf"}))
        ensure(session, SpeciesName("Avis altera"))
    with sessions() as session:
        row = session.get_one(Species, "Avis nova")
        assert (row.common_name, row.names) == ("New Bird", {"fr": "Oiseau neuf"})
        assert session.get(Species, "Avis altera") is not None
    engine.dispose()


def test_no_two_built_in_species_share_a_name() -> None:
    for names in (
        [one.common for one in built_in().values()],
        [one.names["de"] for one in built_in().values()],
    ):
        assert len(set(names)) == len(names)
        assert all(names)
