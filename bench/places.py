"""Expected, unknown or unexpected: how often `GET /species/expected` is right of what it has not seen, and how fast.

    .venv/bin/python -m bench.places ../shared/data                 # some minutes
    .venv/bin/python -m bench.places FOLDER --library recordings.csv

FOLDER holds manifest.csv with the set singles182: 182 recordings, one of a species, 180 of them with place and date in
their ID3 tags. (The other sets have neither.) As each species is there once, a held-out species is none that the rest
knows; so families are judged as well, of which most are there several times.

How bounds behave in libraries of some size is shown on made-up ones (`bench.made_up_places`), where recordists are held
out. `--library` judges a real one instead: a CSV with the columns species, latitude, longitude, recorded_on, recordist.
"""

import argparse
import csv
import re
import resource
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import av
import numpy as np
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from bench.made_up_places import OWN, Visit, make_birds, make_visits
from bench.results import write_results
from services.inference.cells import distances_km, unit_vectors
from services.inference.expectations import Bounds, Counts, Expectations
from services.inference.visits import fingerprint, read_counts
from shared.db.engine import sync_engine
from shared.db.migrate import migrate
from shared.settings import Settings
from tests.support.visits import Sighting, count_visits

SET = "singles182"
PLACE = re.compile(r"\((-?\d+\.\d+), ?(-?\d+\.\d+)\)")
DAY = re.compile(r"\b(\d{4})-(\d\d)-(\d\d)\b")
NAME = re.compile(r"\(([A-Z][a-z]+ [a-z]+)")
FAR_KM = 4_000.0
MOST = 2_000
"""Questions asked of each kind."""
SIZES = {"small": 12, "middle": 80, "large": 500}
"""Recordists on each continent."""
RECORDINGS = 1_000_000

Figures = dict[str, float]


def judge(expectations: Expectations, asked: Sequence[Sighting]) -> Figures:
    """The shares of sightings that are expected, unknown and unexpected."""
    answers = [expectations.of(one.latitude, one.longitude, one.day).expected(one.species) for one in asked]
    return {
        "asked": len(answers),
        "expected": float(np.mean([one is True for one in answers])),
        "unknown": float(np.mean([one is None for one in answers])),
        "unexpected": float(np.mean([one is False for one in answers])),
    }


def tagged(data: Path) -> list[tuple[Sighting, str]]:
    """Real recordings with a place and a date, and their families, by their ID3 tags as Xeno-canto writes them."""
    found = []
    with (data / "manifest.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if row["set"] != SET:
                continue
            with av.open(data / row["path"]) as file:
                tags = file.metadata
            place, day, name = PLACE.search(tags["comment"]), DAY.search(tags["comment"]), NAME.search(tags["title"])
            if place and day and name and "00" not in day.groups():
                on = date(*map(int, day.groups()))
                found.append((Sighting(name[1], float(place[1]), float(place[2]), on, row["recordist"]), tags["genre"]))
    return found


def hold_out_each(sightings: Sequence[Sighting], asked: Sequence[Sighting]) -> Figures:
    """Judges each of `asked` by all other recordists' sightings."""
    answers = []
    for one in asked:
        others = [other for other in sightings if other.recordist != one.recordist]
        answers.append(judge(Expectations(count_visits(others)), [one]))
    names = ("expected", "unknown", "unexpected")
    return {"asked": len(answers), **{name: float(np.mean([one[name] for one in answers])) for name in names}}


def moved(sightings: Sequence[Sighting], random: np.random.Generator) -> list[Sighting]:
    """Each species where and when another was recorded, far from all places where it was recorded itself."""
    points = unit_vectors([one.latitude for one in sightings], [one.longitude for one in sightings])
    own: dict[str, list[int]] = {}
    for at, one in enumerate(sightings):
        own.setdefault(one.species, []).append(at)
    wrong = []
    for one in sightings:
        target = sightings[int(random.integers(len(sightings)))]
        assert target.latitude is not None
        assert target.longitude is not None
        if distances_km(points[own[one.species]], target.latitude, target.longitude).min() > FAR_KM:
            wrong.append(replace(target, species=one.species))
    return wrong


def measure_real(data: Path, random: np.random.Generator) -> dict[str, Figures]:
    found = tagged(data)
    species = [sighting for sighting, _ in found]
    families = [replace(sighting, species=family) for sighting, family in found]
    return {
        "species, true": hold_out_each(species, species),
        "species, over 4,000 km off": hold_out_each(species, moved(species, random)),
        "families, true": hold_out_each(families, families),
        "families, over 4,000 km off": hold_out_each(families, moved(families, random)),
    }


def measure_library(path: Path, random: np.random.Generator) -> dict[str, Figures]:
    """A real library: a fifth of its recordists are held out."""
    sightings = []
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if all(row[name] for name in ("species", "latitude", "longitude", "recorded_on")):
                place = float(row["latitude"]), float(row["longitude"])
                day = date.fromisoformat(row["recorded_on"])
                sightings.append(Sighting(row["species"], *place, day, row["recordist"]))
    held = set(random.permutation(sorted({one.recordist for one in sightings}))[::5])
    test = _some([one for one in sightings if one.recordist in held], random)
    expectations = Expectations(count_visits(one for one in sightings if one.recordist not in held))
    return {"true": judge(expectations, test), "over 4,000 km off": judge(expectations, moved(test, random))}


def measure_made_up(random: np.random.Generator) -> tuple[dict[str, Figures], dict[str, Figures]]:
    """By size of the library, and for the large one by the number of visits that must be missing."""
    birds = {region: make_birds(region, random) for region in ("europe", "west america")}
    by_size, by_bound = {}, {}
    for size, recordists in SIZES.items():
        people = [one for region in birds for one in make_visits(region, birds[region], recordists, random)]
        held = set(random.permutation(len(people))[::5].tolist())
        known = [visit for at, one in enumerate(people) if at not in held for visit in one]
        asked = [visit for at, one in enumerate(people) if at in held for visit in one]
        counts = count_visits(one for visit in known for one in visit.sightings)
        recordings = sum(len(visit.sightings) for visit in known)
        questions = _questions(asked, birds, random)
        for kind, about in questions.items():
            by_size[f"{recordings:,} recordings: {kind}"] = judge(Expectations(counts), about)
        if size == "large":
            for typical in (2.0, 8.0, 32.0):
                expectations = Expectations(counts, Bounds(typical_visits=typical))
                for kind, about in questions.items():
                    by_bound[f"{typical:.0f} typical visits: {kind}"] = judge(expectations, about)
    return by_size, by_bound


def _questions(asked: Sequence[Visit], birds: dict[str, Any], random: np.random.Generator) -> dict[str, list[Sighting]]:
    true, elsewhere, winter = [], [], []
    for visit in asked:
        true.extend({one.species: one for one in visit.sightings}.values())
        other = next(region for region in birds if region != visit.region)
        alien = birds[other].names[int(random.integers(OWN))]
        elsewhere.append(replace(visit.sightings[0], species=alien))
        for one in visit.sightings:
            bird = birds[visit.region]
            at = bird.names.index(one.species)
            if np.isfinite(bird.arrives[at]):
                winter.append(replace(one, day=date(2024, 1, 1 + int(random.integers(31)))))
    kinds = {"true": true, "another continent's": elsewhere, "a summer bird in January": winter}
    return {kind: _some(about, random) for kind, about in kinds.items() if about}


def _some(sightings: Sequence[Sighting], random: np.random.Generator) -> list[Sighting]:
    return [sightings[at] for at in random.permutation(len(sightings))[:MOST]]


FILL = """
WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < :recordings),
drawn AS (SELECT i, abs(random()) % 500 * (abs(random()) % 500) / 500 AS bird, abs(random()) % 2000 AS person,
  35 + abs(random()) % 25000 / 1000.0 AS latitude, -10 + abs(random()) % 35000 / 1000.0 AS longitude,
  date('2005-01-01', '+' || abs(random()) % 7000 || ' days') AS day FROM numbers)
INSERT INTO recordings (id, sha256, original_key, original_name, size, label, secondary, source, recordist, latitude,
  longitude, recorded_on, details, warnings, created_at, source_url, licence, country, locality)
SELECT printf('%032x', i), printf('%064x', i), '', '', 1, 'Avis ' || bird,
  CASE WHEN i % 5 THEN '[]' ELSE '["Avis ' || (bird + 1) || '"]' END, 'folder', 'Recordist ' || person, latitude,
  longitude, day, '{}', '[]', '2026-01-01 00:00:00', '', '', '', '' FROM drawn"""


def measure_speed() -> Figures:
    """Of reading a million recordings out of SQLite, and of asking."""
    with tempfile.TemporaryDirectory(prefix="chiffchaff-places-") as folder:
        engine = sync_engine(Settings(data_dir=Path(folder)))
        try:
            return {**_library_speed(engine), **_cell_speed()}
        finally:
            engine.dispose()


def _library_speed(engine: Engine) -> Figures:
    migrate(engine)
    with Session(engine) as session:
        birds = [{"name": f"Avis {number}"} for number in range(502)]
        session.execute(text("INSERT INTO species (scientific_name, common_name) VALUES (:name, '')"), birds)
        session.execute(text(FILL), {"recordings": RECORDINGS})
        session.commit()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        begin, worked = time.perf_counter(), time.process_time()
        counts = read_counts(session)
        expectations = Expectations(counts)
        read, worked = time.perf_counter() - begin, time.process_time() - worked
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        check = _median_ms(lambda: fingerprint(session), 5)
    return {
        "recordings": RECORDINGS,
        "rows": len(counts.visits),
        "read_seconds": read,
        "read_cpu_seconds": worked,
        "read_peak_mb": grown / 1024,
        "check_ms": check,
        "ask_million_ms": _median_ms(lambda: expectations.of(48.0, 8.0, date(2024, 5, 4)), 20),
        "ask_million_year_ms": _median_ms(lambda: expectations.of(48.0, 8.0, None), 20),
        "ask_million_anywhere_ms": _median_ms(lambda: expectations.of(None, None, date(2024, 5, 4)), 5),
    }


def _cell_speed() -> Figures:
    """10,000 cells in Europe, each with ten rows of 500 species."""
    random = np.random.default_rng(0)
    row, column = np.divmod(np.arange(10_000), 100)
    cells = np.repeat((500 + row) * 1440 + 700 + column, 10)
    of = random.integers(500, size=100_000)
    of[::10] = 500
    rows = (cells, random.integers(53, size=100_000), of, random.integers(1, 9, size=100_000).astype(np.float64))
    expectations = Expectations(Counts([f"Avis {number}" for number in range(500)], *rows))
    return {"ask_10000_cells_ms": _median_ms(lambda: expectations.of(48.0, 8.0, date(2024, 5, 4)), 100)}


def _median_ms(call: Callable[[], object], times: int) -> float:
    """Of CPU time, which other work on the machine hardly changes."""
    taken = []
    for _ in range(times):
        begin = time.process_time()
        call()
        taken.append(time.process_time() - begin)
    return float(np.median(taken)) * 1000


def show(title: str, rows: dict[str, Figures]) -> None:
    table = Table("", "asked", "expected", "unknown", "unexpected", title=title, title_justify="left")
    for name, figures in rows.items():
        shares: Iterable[str] = (f"{figures[key]:.1%}" for key in ("expected", "unknown", "unexpected"))
        table.add_row(name, f"{figures['asked']:,.0f}", *shares)
    Console(width=110).print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--library", type=Path, help="a CSV of a real library, judged instead of made-up ones")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-speed", action="store_true")
    asked = parser.parse_args()
    random = np.random.default_rng(asked.seed)
    figures: dict[str, Any] = {"real": measure_real(asked.data, random)}
    show(f"Real places and dates ({SET}), each judged by the others", figures["real"])
    if asked.library:
        figures["library"] = measure_library(asked.library, random)
        show("The library, a fifth of the recordists held out", figures["library"])
    else:
        figures["made_up"], figures["made_up_bounds"] = measure_made_up(random)
        show("Made-up libraries, a fifth of the recordists held out", figures["made_up"])
        show("The large one, by how many visits must be missing", figures["made_up_bounds"])
    if not asked.no_speed:
        figures["speed"] = measure_speed()
        for name, value in figures["speed"].items():
            print(f"{name:26}{value:14,.1f}")
    print(f"\nWritten to {write_results('places', figures)}")


if __name__ == "__main__":
    main()
