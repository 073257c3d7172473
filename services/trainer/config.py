"""What a training run can be told: one frozen, checked model. What is not given, a recipe says."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from services.trainer import models, recipes
from shared.audio.frontend_config import FrontEndConfig, preset

Probability = Annotated[float, Field(ge=0, le=1)]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _names_are_known(cls, given: Any) -> Any:
        for name in given if isinstance(given, Mapping) else ():
            if name not in cls.model_fields:
                near = get_close_matches(str(name), cls.model_fields, n=1)
                known = f"the nearest is {near[0]!r}" if near else f"there are {', '.join(cls.model_fields)}"
                raise ValueError(f"there is no setting {str(name)[:64]!r}; {known}")
        return given


class AugmentConfig(_Settings):
    """How each training window is changed before the network sees it. Zero switches a change off; all are off here."""

    OF_SOUND: ClassVar = ("time_shift", "equalise", "mixup", "same_class", "noise", "nothing", "gain_db")
    """Those that change the sound, and so need it; the others change the picture."""

    time_shift: float = Field(
        0.0, ge=0, le=1, description="How far from its slice a window may be cut, in windows; it keeps enough signal."
    )
    equalise: Probability = Field(
        0.0, description="Share of windows heard through another microphone: a random tilt and filter."
    )
    same_class: Probability = Field(
        0.0, description="Share of windows mixed with another of the species, (1 - a) x1 + a x2, a from 0 to 1."
    )
    mixup: Probability = Field(0.0, description="Share of windows that get a second recording on top, with its label.")
    mixup_quietest_db: float = Field(-12.0, ge=-40, le=0, description="Level of the second recording at its quietest.")
    noise: Probability = Field(0.0, description="Share of windows that get recorded or coloured noise.")
    noise_snr_db: tuple[float, float] = Field((3.0, 30.0), description="Range of signal-to-noise ratios.")
    nothing: Probability = Field(0.0, description="Share of windows replaced by mere noise, without a label.")
    gain_db: float = Field(
        0.0, ge=0, le=60, description="Largest change of level; a front end that normalises does not notice."
    )
    picture_noise: float = Field(
        0.0, ge=0, le=2, description="A noise picture, scaled to the picture's maximum, times this is added to each."
    )
    time_stretch: float = Field(0.0, ge=0, le=0.5, description="Largest relative change of tempo, in the picture.")
    pitch_shift_bands: float = Field(0.0, ge=0, le=16, description="Largest shift in mel bands, in the picture.")
    mask_frequency: float = Field(0.0, ge=0, le=0.5, description="Widest frequency mask as a share of the bands.")
    mask_time: float = Field(0.0, ge=0, le=0.5, description="Widest time mask as a share of the frames.")

    @model_validator(mode="after")
    def _range_rises(self) -> Self:
        low, high = self.noise_snr_db
        if not -20 <= low <= high <= 60:
            raise ValueError("noise_snr_db must be two numbers, the lower first, from -20 to 60 dB")
        return self

    @property
    def of_sound(self) -> list[str]:
        """The changes of the sound that are switched on."""
        return [name for name in self.OF_SOUND if getattr(self, name)]


class StartFrom(_Settings):
    """Whose weights a training begins with: a finished model's, or the best of a training that ended without one."""

    model: str | None = Field(None, description="A model's name.")
    version: int | None = Field(None, ge=1, le=2**31 - 1, description="Of the model; the newest where it is left out.")
    training: str | None = Field(None, description="The id of a training that was cancelled or failed.")

    @model_validator(mode="after")
    def _one_is_named(self) -> Self:
        if (self.model is None) == (self.training is None):
            raise ValueError("start_from takes either a model's name or a training's id")
        if self.version is not None and self.model is None:
            raise ValueError("start_from.version belongs to a model's name")
        return self


class TrainingConfig(_Settings):
    """One training run; the dataset's hash, this and the library versions make it repeatable.

    What has no default here is said by the recipe; what is given beside it wins, in `augment` one by one.
    """

    name: str = Field("garden-birds", pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$", description="The model's name.")
    version: str = Field("1", min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    recipe: str = Field(recipes.DEFAULT, description="One of the files in services/trainer/recipes.")
    network: str = Field(description="One of the networks in services/trainer/models.")
    front_end: str | FrontEndConfig = Field(description="A preset's name, or a whole front end.")

    epochs: int = Field(ge=1, le=10_000)
    crops_per_recording: int = Field(
        ge=0, le=1_000, description="Windows drawn from each recording per epoch; 0: one of each slice."
    )
    min_batches: int = Field(ge=1, le=1_000, description="Batches per epoch at least, however few the recordings.")
    batch_size: int = Field(ge=2, le=4_096)
    balance: Probability = Field(
        description="0: each recording is heard equally often; 1: each species is; between: in between."
    )
    secondary: Literal["soft", "masked", "ignored"] = Field(
        description="Species heard in the background count half, are neither right nor wrong, or are not there."
    )
    pictures: Literal["raw", "precomputed"] = Field(
        description="Made on the training device from sound, or once before the first epoch and kept."
    )
    prefetch: int = Field(4, ge=0, le=64, description="Batches read ahead while the network learns; 0 reads none.")

    optimizer: Literal["adamw", "adam"]
    learning_rate: float = Field(gt=0, le=1)
    schedule: Literal["cosine", "exponential"] = Field(description="How the learning rate falls after the warm-up.")
    decay: float = Field(0.95, gt=0, le=1, description="Of the learning rate per epoch, where it falls exponentially.")
    warm_up: Probability = Field(description="Share of all steps over which the learning rate rises.")
    weight_decay: float = Field(ge=0, le=1)
    gradient_norm: float = Field(ge=0, description="Gradients are clipped to this norm; 0 clips nothing.")
    averaging: float = Field(ge=0, lt=1, description="Decay per step of the averaged weights; 0 averages nothing.")
    loss: Literal["cross-entropy", "binary"]
    label_smoothing: float = Field(ge=0, lt=1)
    augment: AugmentConfig

    patience: int = Field(
        0,
        ge=0,
        le=10_000,
        description="Epochs without a better loss on a part of the training side, kept aside for this, after which a "
        "network is done; its best weights are kept. 0 trains all epochs on the whole training side.",
    )
    start_from: StartFrom | None = Field(None, description="Pretrained weights to begin with; none: random ones.")
    head_only_epochs: int = Field(
        0, ge=0, le=10_000, description="First epochs in which only the classification layer learns."
    )
    trunk_learning_rate: float = Field(
        1.0, gt=0, le=1, description="Factor of the learning rate for all but the classification layer."
    )
    allow_overlap: bool = Field(
        False, description="Start from a model though it has heard what this one is tested on; the card says so."
    )

    folds: int = Field(
        5, ge=0, le=20, description="Folds to cross-validate by recordist; 0 holds out fold 0 and trains once."
    )
    unknown_dataset_ids: tuple[str, ...] = Field(
        (),
        max_length=20,
        description="Frozen datasets of sounds that are none of the species: they only test what the model refuses.",
    )
    seed: int = Field(0, ge=0, lt=2**31)
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$")
    processes: Literal["auto"] | Annotated[int, Field(ge=1, le=64)] = Field(
        "auto", description="Processes that share each batch; auto is one for each GPU that has enough to do."
    )
    threads: int = Field(0, ge=0, le=256, description="CPU threads of all processes; 0 leaves it to the environment.")
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"

    @model_validator(mode="before")
    @classmethod
    def _on_a_recipe(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        name = given.get("recipe", recipes.DEFAULT)
        if name not in recipes.available():
            raise ValueError(f"there is no recipe {str(name)[:64]!r}; there are {', '.join(recipes.available())}")
        recipe = recipes.values(name)
        augment = given.get("augment", {})
        if isinstance(augment, Mapping):
            augment = {**recipe["augment"], **augment}
        return {**recipe, **given, "augment": augment}

    @field_validator("network")
    @classmethod
    def _network_exists(cls, name: str) -> str:
        if name not in models.available():
            raise ValueError(f"there is no network {name!r}; there are {', '.join(models.available())}")
        return name

    @field_validator("front_end")
    @classmethod
    def _front_end_exists(cls, front_end: str | FrontEndConfig) -> str | FrontEndConfig:
        if isinstance(front_end, str):
            try:
                preset(front_end)
            except KeyError as error:
                raise ValueError(
                    f"there is no front end {front_end!r}; take 'field', 'original' or a whole one"
                ) from error
        return front_end

    @model_validator(mode="after")
    def _folds_make_sense(self) -> Self:
        if self.folds == 1:
            raise ValueError("folds must be 0 (hold out fold 0) or at least 2 (cross-validate)")
        return self

    @model_validator(mode="after")
    def _fine_tuning_has_a_start(self) -> Self:
        if self.start_from is None:
            for field in ("head_only_epochs", "trunk_learning_rate", "allow_overlap"):
                if getattr(self, field) != type(self).model_fields[field].default:
                    raise ValueError(f"{field} is for a training with start_from")
        if self.head_only_epochs >= self.epochs and self.head_only_epochs:
            raise ValueError("head_only_epochs must be fewer than epochs")
        return self

    @model_validator(mode="after")
    def _every_process_has_a_share(self) -> Self:
        if self.processes != "auto" and self.processes > self.batch_size:
            raise ValueError("batch_size must be at least processes: each takes its share of every batch")
        return self

    @model_validator(mode="after")
    def _pictures_can_be_changed_so(self) -> Self:
        picture, augment = self.picture, self.augment
        if augment.picture_noise and (picture.compression, picture.normalisation) != ("power", "minmax"):
            raise ValueError(
                "augment.picture_noise adds power to power, so it needs a front end of linear power scaled to 0..1, "
                "such as 'original'; for others set it to 0 and take augment.noise"
            )
        if self.pictures == "precomputed" and augment.of_sound:
            raise ValueError(
                f"pictures made before the training cannot change in sound any more: set "
                f"{', '.join(f'augment.{name}' for name in augment.of_sound)} to 0, or pictures to 'raw'"
            )
        return self

    @property
    def picture(self) -> FrontEndConfig:
        """The front end, resolved."""
        return preset(self.front_end) if isinstance(self.front_end, str) else self.front_end

    @property
    def activation(self) -> Literal["softmax", "sigmoid"]:
        return "softmax" if self.loss == "cross-entropy" else "sigmoid"

    def as_json(self) -> dict[str, Any]:
        """For the manifest: plain values only, the front end written out."""
        return {**self.model_dump(mode="json"), "front_end": self.picture.model_dump(mode="json")}
