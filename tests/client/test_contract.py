"""The client says what the server says: its fields and parameters are those of the APIs."""

from typing import Any, get_args

import pytest
from pydantic import BaseModel

from chiffchaff_client import (
    analyses,
    classification,
    datasets,
    filters,
    ingestions,
    jobs,
    keys,
    models,
    recordings,
    reviews,
    species,
    trainings,
)
from services.inference import comparison, model_views, places_api, schemas
from services.inference.analyses import views as analysis_views
from services.inference.analyses.requests import AnalysisParameters
from services.inference.results.formats import FORMATS
from services.inference.results.model import FailedRecording, RecordingResult
from services.inference.teaching import candidates as teaching_candidates
from services.inference.teaching import views as teaching_views
from services.ingest import (
    detail,
    ingestion_views,
    jobs_api,
    keys_api,
    overview,
    requests,
    species_statistics,
    upload,
    views,
)
from services.trainer import progress, selection, summary
from services.trainer import views as trainer_views
from shared import filters as served_filters
from shared import model_file
from shared.http import job_views

ANSWERS: list[tuple[type[BaseModel], type[BaseModel]]] = [
    (classification.Classification, schemas.ClassifyAnswer),
    (classification.Parameters, schemas.Parameters),
    (classification.RecordingHeard, schemas.RecordingView),
    (classification.Ranked, schemas.Ranked),
    (classification.Detection, schemas.Detection),
    (analyses.Analysis, analysis_views.AnalysisView),
    (analyses.AnalysisCounts, analysis_views.Counts),
    (analyses.AnalysedRecording, analysis_views.RecordingLine),
    (reviews.Candidate, teaching_candidates.CandidateView),
    (reviews.Guess, teaching_candidates.Guess),
    (reviews.Review, teaching_views.ReviewView),
    (reviews.ReviewCounts, teaching_views.ReviewCounts),
    (reviews.SpeciesCount, teaching_views.SpeciesCount),
    (models.Model, model_views.ModelView),
    (models.ModelDetails, model_views.ModelDetails),
    (models.ActiveModel, model_views.ActiveModelView),
    (models.Comparison, comparison.Comparison),
    (models.Difference, comparison.Difference),
    (models.Said, comparison.Said),
    (models.SpeciesComparison, comparison.SpeciesComparison),
    (species.ExpectedHere, places_api.ExpectedHere),
    (species.ExpectedSpecies, places_api.ExpectedSpecies),
    (species.Species, species_statistics.SpeciesView),
    (recordings.Recording, views.RecordingView),
    (recordings.RecordingDetails, detail.RecordingDetail),
    (recordings.RecordingCount, views.RecordingCount),
    (recordings.Place, overview.Place),
    (recordings.Values, overview.Values),
    (recordings.ValueCount, overview.ValueCount),
    (recordings.NewRecording, views.NewRecording),
    (ingestions.Ingestion, ingestion_views.IngestionView),
    (ingestions.Counts, ingestion_views.Counts),
    (ingestions.Item, ingestion_views.ItemView),
    (ingestions.ItemProblem, ingestion_views.ItemProblem),
    (jobs.Job, job_views.JobView),
    (jobs.Progress, job_views.Progress),
    (jobs.JobCount, jobs_api.JobCount),
    (keys.MadeKey, keys_api.MadeKey),
    (datasets.Dataset, trainer_views.DatasetView),
    (datasets.Summary, summary.Summary),
    (datasets.ClassSummary, summary.ClassSummary),
    (trainings.Training, trainer_views.TrainingView),
    (trainings.TrainingLine, trainer_views.TrainingLine),
    (trainings.Epoch, progress.Progress),
]
PARAMETERS: list[tuple[Any, set[str], set[str]]] = [
    (filters.RecordingFilters, set(served_filters.RecordingFilters.model_fields), set()),
    (datasets.Selection, set(selection.Selection.model_fields), {"name"}),
    (recordings.Origin, set(upload.UploadFields.model_fields), set()),
    (ingestions.XenoCantoSearch, set(requests.XenoCantoSource.model_fields), {"source"}),
]


@pytest.mark.parametrize(("ours", "served"), ANSWERS, ids=lambda one: one.__name__)
def test_every_field_of_an_answer_is_one_that_the_server_sends(ours: type[BaseModel], served: type[BaseModel]) -> None:
    assert set(ours.model_fields) <= set(served.model_fields)


def test_a_result_has_the_fields_of_one_that_was_heard_and_of_one_that_failed() -> None:
    sent = set(RecordingResult.model_fields) | set(FailedRecording.model_fields)
    assert set(analyses.RecordingResult.model_fields) <= sent


@pytest.mark.parametrize(("ours", "served", "given_apart"), PARAMETERS, ids=lambda one: getattr(one, "__name__", ""))
def test_what_may_be_asked_is_what_the_server_takes(ours: Any, served: set[str], given_apart: set[str]) -> None:
    assert ours.__annotations__.keys() == served - given_apart


def test_classify_takes_all_that_the_query_takes() -> None:
    taken = set(classification.Asked.__annotations__)
    assert taken == set(schemas.ClassifyQuery.model_fields) - {"threshold"} | {"thresholds"}
    assert taken == set(AnalysisParameters.model_fields) - {"threshold"} | {"thresholds"}


def test_results_are_saved_in_all_formats_that_there_are() -> None:
    assert set(get_args(analyses.Format)) == set(FORMATS)


def test_the_files_of_a_model_have_the_names_that_they_have_beside_it() -> None:
    assert {"model": "model.pt", **model_file.BESIDE} == models.FILES
