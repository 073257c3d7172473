"""Every table, in one place to import from."""

from shared.db.access import ApiKey
from shared.db.analyses import Analysis, AnalysisRecording
from shared.db.base import Base
from shared.db.jobs import FINAL_STATES, STATES, IdempotencyKey, Job, JobEvent, Outbox
from shared.db.learning import ActiveModel, Dataset, Model, Training
from shared.db.library import Ingestion, IngestionItem, Recording, Section, Slice, Species, Throttle
from shared.db.reviews import VERDICTS, Review, ReviewCandidate

__all__ = [
    "FINAL_STATES",
    "STATES",
    "VERDICTS",
    "ActiveModel",
    "Analysis",
    "AnalysisRecording",
    "ApiKey",
    "Base",
    "Dataset",
    "IdempotencyKey",
    "Ingestion",
    "IngestionItem",
    "Job",
    "JobEvent",
    "Model",
    "Outbox",
    "Recording",
    "Review",
    "ReviewCandidate",
    "Section",
    "Slice",
    "Species",
    "Throttle",
    "Training",
]
