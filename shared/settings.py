"""All settings, in one class: `CHIFFCHAFF_*` environment variables, secrets also as `CHIFFCHAFF_*_FILE`.

The defaults are the embedded stack: SQLite, Celery over the file system, everything under `./data`.
"""

import os
import re
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from shared.audio.segmentation import DEFAULT, PRESETS
from shared.keys import ConfiguredKey, configured_keys
from shared.network import is_loopback, listed, require_origins, require_proxies

PREFIX = "CHIFFCHAFF_"
RATE_BEYOND_LOOPBACK = 600
REPOSITORY = Path(__file__).resolve().parent.parent


class SecretFiles(PydanticBaseSettingsSource):
    """Reads `CHIFFCHAFF_NAME_FILE=/run/secrets/name` as the value of `CHIFFCHAFF_NAME`."""

    def get_field_value(self, field: object, field_name: str) -> tuple[str | None, str, bool]:
        path = os.environ.get(f"{PREFIX}{field_name.upper()}_FILE")
        if path is None:
            return None, field_name, False
        try:
            return Path(path).read_text(encoding="utf-8").strip(), field_name, False
        except OSError as error:
            raise ValueError(
                f"{PREFIX}{field_name.upper()}_FILE names {path}, which cannot be read: {error}"
            ) from error

    def __call__(self) -> dict[str, str]:
        values = ((name, self.get_field_value(None, name)[0]) for name in self.settings_cls.model_fields)
        return {name: value for name, value in values if value is not None}


class Settings(BaseSettings):
    """What an operator may set. Sizes are in the unit that the name says."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    data_dir: Path = Path("data")
    log_level: str = "INFO"
    log_json: bool = False

    database_url: SecretStr = Field(default=SecretStr(""), validate_default=False)
    """Empty: SQLite under the data directory. Otherwise `postgresql://user:password@host:port/name`."""
    broker_url: SecretStr = SecretStr("")
    """Empty: the file system under the data directory. Otherwise `redis://...`."""
    storage_url: str = ""
    """Empty: files under the data directory. Otherwise `file:///absolute/path`, or `s3://bucket/prefix`."""
    s3_endpoint_url: str = ""
    """Of an object store that is not Amazon's. What is not set here is looked for where boto looks."""
    s3_region: str = ""
    s3_access_key: SecretStr = SecretStr("")
    s3_secret_key: SecretStr = SecretStr("")
    storage_cache_gb: float = Field(default=20.0, gt=0)
    """Room for local copies of what is in the bucket, on each machine; in 10^9 bytes."""
    prepared_max_gb: float = Field(default=0.0, ge=0)
    """What prepared audio may take, in 10^9 bytes; 0 = all is kept."""

    api_keys: SecretStr = SecretStr("")
    """Keys besides those in the database, separated by commas: plain, or as `name:scope+scope:sha256hex`."""
    allow_anonymous: bool = False
    """Without any key, serve other machines nevertheless: something in front decides who may come in."""
    published_host: str = ""
    """The address at which a proxy in front publishes the service, where it is not `host` that others reach."""
    trusted_proxies: str = ""
    """Addresses and networks, separated by commas, whose `X-Forwarded-For` and `-Proto` are believed; `*` for all."""
    cors_origins: str = ""
    """Origins of pages elsewhere that may call the API, separated by commas."""
    rate_per_minute: int | None = Field(default=None, ge=0)
    """Requests of one key, or of one address without a key; 0 = no limit. Unset: 600, and none on loopback."""
    rate_burst: int = Field(default=120, ge=1)
    """How many of them may come at once."""
    library_dir: Path | None = None
    """Where set, `POST /ingestions` reads folders and manifests below this directory only."""

    xeno_canto_url: str = Field(
        default="https://xeno-canto.org/api/3/recordings", pattern=r"^https?://[^/@?#\s]+(/[^?#\s]*)?$"
    )
    """Where to search. Downloads from this host are allowed as well, even where its address is a private one."""
    xeno_canto_key: SecretStr = SecretStr("")
    xeno_canto_interval_seconds: float = Field(default=1.0, ge=0, le=60)
    """Between two requests to Xeno-canto, of all processes together."""
    xeno_canto_max_file_mb: int = Field(default=512, ge=1)
    xeno_canto_max_file_seconds: float = Field(default=1_800.0, gt=0)
    """The longest that downloading one file may take."""

    models_dir: Path = REPOSITORY / "models"
    """The models that come with the software; each is registered at the first start."""
    max_upload_mb: int = Field(default=256, ge=1)
    body_grace_seconds: float = Field(default=30.0, gt=0)
    """How long a request's body may keep the service waiting, on top of what the least rate allows."""
    body_least_rate: int = Field(default=1_000, ge=1)
    """Bytes a second that a body has to bring on average; a telephone on the edge of a network manages ten times."""
    body_max_seconds: float = Field(default=3_600.0, gt=0)
    """The longest that the service waits for one body."""
    classify_max_seconds: float = Field(default=900.0, gt=0)
    recording_max_seconds: float = Field(default=86_400.0, gt=0)
    classify_wall_seconds: float = Field(default=120.0, gt=0)
    recording_wall_seconds: float = Field(default=3_600.0, gt=0)
    segmentation: str = DEFAULT.name
    """The preset that finds the birds in recordings that come in."""
    decode_memory_mb: int = Field(default=1024, ge=128)
    classify_queue: int = Field(default=64, ge=1)
    """How many `POST /classify` may wait or run at once; one more is answered 503. Two cores hear as many short clips
    in a second: a burst of them is no overload."""
    classify_wait_seconds: float = Field(default=30.0, gt=0)
    """How long one may wait for its turn to be computed; then it is answered 503."""
    classify_batch: int = Field(default=16, ge=1)
    """Recordings of a window or less that are heard in one pass where they wait anyway; 1 = each by itself."""
    inference_device: str = Field(default="auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$")
    """Where the model that answers runs; auto = on the GPU where there is one."""
    named_models: int = Field(default=2, ge=1)
    """Models that stay in memory beside the active one because requests named them."""
    analysis_max_files: int = Field(default=1_000, ge=1)
    """Files that one `POST /analyses` may upload."""
    analysis_max_upload_mb: int = Field(default=2_048, ge=1)
    """All of them together; each by itself may be as large as any other upload."""
    analysis_processes: int = Field(default=0, ge=0)
    """Processes that hear the recordings of analyses; 0 = one per core."""

    pictures_url: str = Field(default="", pattern=r"^(https?://[^/@?#\s]+/[^?#\s]*)?$")
    """The MediaWiki API to ask for pictures of species: `https://en.wikipedia.org/w/api.php`. Empty: none is."""

    worker_concurrency: int = Field(default=0, ge=0)
    """Processes that prepare recordings; 0 = one per core."""
    torch_threads: int = Field(default=0, ge=0)
    """Of one pass through a model; 0 = one, and as many passes at once as cores. Of training; 0 = one per core."""
    lease_seconds: float = Field(default=30.0, gt=0)
    max_attempts: int = Field(default=4, ge=1)
    republish_seconds: float = Field(default=10.0, gt=0)
    """How long until a queued job whose message may be lost is rung for again."""
    max_waiting: int = Field(default=10_000, ge=1)
    """Recordings that may wait to be prepared, and parts of analyses that may wait to be heard; above, imports pause
    and uploads are answered 503."""
    min_free_disk_mb: int = Field(default=1024, ge=0)
    """Room that stays free on the disk: below, ingestion and preparing wait and uploads are answered 507."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, SecretFiles(settings_cls)

    @field_validator("segmentation")
    @classmethod
    def require_preset(cls, name: str) -> str:
        if name not in PRESETS:
            raise ValueError(f"{PREFIX}SEGMENTATION is one of {', '.join(PRESETS)}, not {name}")
        return name

    @field_validator("trusted_proxies")
    @classmethod
    def _require_proxies(cls, text: str) -> str:
        return require_proxies(text)

    @field_validator("cors_origins")
    @classmethod
    def _require_origins(cls, text: str) -> str:
        return require_origins(text)

    @model_validator(mode="after")
    def _require_keys(self) -> Self:
        configured_keys(self.api_keys.get_secret_value())
        return self

    @model_validator(mode="after")
    def require_a_storage(self) -> Self:
        if self.storage_url and not re.match(r"file:///|s3://[^/]", self.storage_url):
            raise ValueError(
                f"{PREFIX}STORAGE_URL must look like file:///absolute/path or s3://bucket/prefix, "
                f"not {self.storage_url}"
            )
        if bool(self.s3_access_key.get_secret_value()) != bool(self.s3_secret_key.get_secret_value()):
            raise ValueError(f"{PREFIX}S3_ACCESS_KEY and {PREFIX}S3_SECRET_KEY belong together: set both or neither")
        return self

    @cached_property
    def configured_keys(self) -> tuple[ConfiguredKey, ...]:
        return configured_keys(self.api_keys.get_secret_value())

    @property
    def reached_from(self) -> str:
        """The address by which others reach the service."""
        return self.published_host or self.host

    @property
    def listens_beyond_loopback(self) -> bool:
        return not is_loopback(self.reached_from)

    @property
    def requests_per_minute(self) -> int:
        """0 = no limit."""
        if self.rate_per_minute is not None:
            return self.rate_per_minute
        return RATE_BEYOND_LOOPBACK if self.listens_beyond_loopback else 0

    @property
    def allowed_origins(self) -> list[str]:
        return listed(self.cors_origins)

    @property
    def database_file(self) -> Path:
        """Where the embedded stack's database lies."""
        return self.data_dir.absolute() / "chiffchaff.sqlite"

    @property
    def resolved_database_url(self) -> str:
        return self.database_url.get_secret_value() or f"sqlite:///{self.database_file}"

    @property
    def resolved_broker_url(self) -> str:
        return self.broker_url.get_secret_value() or "folder://localhost"

    @property
    def broker_dir(self) -> Path:
        return self.data_dir.absolute() / "broker"

    @property
    def storage_dir(self) -> Path:
        """Where files are kept that are not in a bucket."""
        if not self.storage_url:
            return self.data_dir.absolute() / "storage"
        return Path(self.storage_url.removeprefix("file://"))

    @property
    def storage_is_s3(self) -> bool:
        return self.storage_url.startswith("s3://")

    @property
    def s3_place(self) -> tuple[str, str]:
        """The bucket, and what every key in it begins with: empty, or a path that ends with a slash."""
        bucket, _, prefix = self.storage_url.removeprefix("s3://").partition("/")
        return bucket, f"{prefix.strip('/')}/" if prefix.strip("/") else ""

    @property
    def cache_dir(self) -> Path:
        """Local copies of what is in the bucket."""
        return self.data_dir.absolute() / "cache"

    @property
    def incoming_dir(self) -> Path:
        """Files on their way into the storage: on its own disk, so that they become its files at a stroke."""
        return (self.data_dir.absolute() if self.storage_is_s3 else self.storage_dir) / "incoming"

    @property
    def work_dir(self) -> Path:
        """What outlives a restart and is not in the storage yet, where that is not a directory itself."""
        return self.data_dir.absolute() / "work"

    @property
    def pictures_dir(self) -> Path:
        """Pictures of species from elsewhere, with author and licence."""
        return self.data_dir.absolute() / "pictures"

    @property
    def scratch_dir(self) -> Path:
        """Uploads on their way in and decoded audio on its way out; emptied at each start of the embedded stack."""
        return self.data_dir.absolute() / "scratch"

    @property
    def reap_interval(self) -> timedelta:
        """How often leases are looked at: a lost job is back little later than its lease ends."""
        return timedelta(seconds=self.lease_seconds / 10)

    @property
    def classify_workers(self) -> int:
        """Passes through the model at once."""
        return max(1, self.cores // (self.torch_threads or 1))

    @property
    def cores(self) -> int:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
