"""A client for Chiffchaff, which makes and runs bird-song classifiers: `from chiffchaff_client import Chiffchaff`."""

from chiffchaff_client.analyses import AnalysedRecording, Analysis, RecordingResult
from chiffchaff_client.bodies import Sound
from chiffchaff_client.chiffchaff import DEFAULT_URL, KEY_VARIABLE, Chiffchaff
from chiffchaff_client.classification import Classification, Detection, Ranked
from chiffchaff_client.datasets import Dataset
from chiffchaff_client.errors import (
    AnswerError,
    ChiffchaffError,
    KeyNeeded,
    KeyNotEnough,
    NoAnswer,
    NotSaved,
    NotThere,
    Problem,
    RateLimited,
    StillRunning,
    UnexpectedAnswer,
    WorkFailed,
)
from chiffchaff_client.events import Event
from chiffchaff_client.ingestions import Ingestion
from chiffchaff_client.jobs import Job, JobCount
from chiffchaff_client.models import ActiveModel, Comparison, Metric, Model, ModelDetails
from chiffchaff_client.recordings import NewRecording, Place, Recording, RecordingDetails, Values
from chiffchaff_client.reviews import Candidate, Review, ReviewCounts
from chiffchaff_client.species import ExpectedHere, ExpectedSpecies, Species
from chiffchaff_client.trainings import Training, TrainingLine
from chiffchaff_client.version import VERSION as __version__

__all__ = [
    "DEFAULT_URL",
    "KEY_VARIABLE",
    "ActiveModel",
    "AnalysedRecording",
    "Analysis",
    "AnswerError",
    "Candidate",
    "Chiffchaff",
    "ChiffchaffError",
    "Classification",
    "Comparison",
    "Dataset",
    "Detection",
    "Event",
    "ExpectedHere",
    "ExpectedSpecies",
    "Ingestion",
    "Job",
    "JobCount",
    "KeyNeeded",
    "KeyNotEnough",
    "Metric",
    "Model",
    "ModelDetails",
    "NewRecording",
    "NoAnswer",
    "NotSaved",
    "NotThere",
    "Place",
    "Problem",
    "Ranked",
    "RateLimited",
    "Recording",
    "RecordingDetails",
    "RecordingResult",
    "Review",
    "ReviewCounts",
    "Sound",
    "Species",
    "StillRunning",
    "Training",
    "TrainingLine",
    "UnexpectedAnswer",
    "Values",
    "WorkFailed",
    "__version__",
]
