"""`POST /recordings`: one upload with its label and origin."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from services.ingest.annotations import Annotations, annotations_of
from services.ingest.items import Item
from services.ingest.marked import MOST_BYTES, parse_marks
from shared.errors import InvalidInput
from shared.http.asked import Day, Storable, require_storable

QUALITIES = Literal["A", "B", "C", "D", "E"]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]
ANNOTATIONS = "annotations"
HINT = (
    "Send multipart/form-data with the recording in the field `audio`, text fields such as `label` and, where there is "
    "one, a Raven or Audacity file in the field `annotations`."
)


def _or_none(value: object) -> object:
    """A field that a form leaves empty is not filled in."""
    return None if value == "" else value


class UploadFields(Storable):
    """The text fields that may come with an upload."""

    label: Text = ""
    common_name: Text = Field(default="", description="Of the label, in English")
    secondary: Text = Field(default="", description="Other species heard, separated by `;`")
    recordist: Text = ""
    licence: Text = ""
    source_url: Annotated[str, Field(max_length=2_000, pattern=r"^(https?://\S+)?$")] = ""
    quality: Annotated[QUALITIES | None, BeforeValidator(_or_none)] = None
    recorded_on: Annotated[Day | None, BeforeValidator(_or_none)] = None
    recorded_time: Annotated[str, Field(pattern=r"^(([01]\d|2[0-3]):[0-5]\d)?$", description="Local, HH:MM")] = ""
    country: Text = ""
    locality: Text = ""
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None


async def read_upload(request: Request) -> tuple[UploadFile, UploadFields, Annotations]:
    """The recording, the fields and what the annotation file marks, where one came with it, of a multipart upload.

    Raises:
        InvalidInput: when the body is something else, or holds no recording or several.
        UnreadableAnnotations: which line of them cannot be read, and why.
        BodyTooLarge: from the body limit, while the body arrives.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise InvalidInput("The body is not a multipart form.", hint=HINT)
    try:
        form = await request.form(max_files=2, max_fields=len(UploadFields.model_fields))
    except HTTPException as error:
        raise InvalidInput(f"The form cannot be read: {error.detail}", hint=HINT) from error
    except UnicodeError as error:  # of a charset that decodes nothing
        raise InvalidInput("The form's charset cannot be read.", hint=HINT) from error
    try:
        audio = _audio_of(form)
        return audio, _fields_of(form), await _annotations_of(form, _name_of(audio))
    except BaseException:
        await form.close()
        raise


def item_of(upload: UploadFile, fields: UploadFields, annotations: Annotations) -> Item:
    name = _name_of(upload)
    return Item(
        path=Path(name),
        name=name,
        label=fields.label or None,
        common_name=fields.common_name,
        secondary=tuple(other.strip() for other in fields.secondary.split(";") if other.strip()),
        recordist=fields.recordist,
        licence=fields.licence,
        source_url=fields.source_url,
        country=fields.country,
        locality=fields.locality,
        latitude=fields.latitude,
        longitude=fields.longitude,
        recorded_on=fields.recorded_on,
        recorded_time=fields.recorded_time,
        quality=fields.quality,
        annotations=annotations,
    )


def _name_of(upload: UploadFile) -> str:
    """Raises InvalidInput for a name that no database stores and no disk holds."""
    name = upload.filename or "upload"
    try:
        require_storable(name)
    except ValueError as error:
        raise InvalidInput(f"The file's name cannot be used: {error}.", hint="Rename the file.") from error
    return Path(name).name


def _audio_of(form: FormData) -> UploadFile:
    files = [value for key, value in form.multi_items() if isinstance(value, UploadFile) and key != ANNOTATIONS]
    if len(files) != 1:
        raise InvalidInput(f"The form holds {'several recordings' if files else 'no recording'}.", hint=HINT)
    return files[0]


async def _annotations_of(form: FormData, audio: str) -> Annotations:
    file = form.get(ANNOTATIONS)
    if not isinstance(file, UploadFile):
        return ()
    content = await file.read(MOST_BYTES + 1)
    await file.close()
    return annotations_of(await run_in_threadpool(parse_marks, content, _name_of(file), audio))


def _fields_of(form: FormData) -> UploadFields:
    try:
        return UploadFields.model_validate({key: value for key, value in form.items() if isinstance(value, str)})
    except ValidationError as error:
        reasons = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise InvalidInput(f"The form's fields do not fit: {reasons}.", hint=HINT) from error
