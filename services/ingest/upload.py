"""`POST /recordings`: one upload with its label and origin."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import Request

from services.ingest.items import Item
from shared.errors import InvalidInput

Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]
HINT = "Send multipart/form-data with the recording in the field `audio` and text fields such as `label`."


class UploadFields(BaseModel):
    """The text fields that may come with an upload."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: Text = ""
    secondary: Text = Field(default="", description="Other species heard, separated by `;`")
    recordist: Text = ""
    licence: Text = ""
    country: Text = ""
    locality: Text = ""
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None


async def read_upload(request: Request) -> tuple[UploadFile, UploadFields]:
    """The file and fields of a multipart upload.

    Raises:
        InvalidInput: when the body is something else, or holds no file or several.
        BodyTooLarge: from the body limit, while the body arrives.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise InvalidInput("The body is not a multipart form.", hint=HINT)
    try:
        form = await request.form(max_files=1, max_fields=len(UploadFields.model_fields))
    except MultiPartException as error:
        raise InvalidInput(f"The form cannot be read: {error.message}", hint=HINT) from error
    return _file_of(form), _fields_of(form)


def item_of(upload: UploadFile, fields: UploadFields) -> Item:
    name = Path(upload.filename or "upload").name
    return Item(
        path=Path(name),
        name=name,
        label=fields.label or None,
        secondary=tuple(other.strip() for other in fields.secondary.split(";") if other.strip()),
        recordist=fields.recordist,
        licence=fields.licence,
        country=fields.country,
        locality=fields.locality,
        latitude=fields.latitude,
        longitude=fields.longitude,
    )


def _file_of(form: FormData) -> UploadFile:
    files = [value for value in form.values() if isinstance(value, UploadFile)]
    if len(files) != 1:
        raise InvalidInput("The form holds no file.", hint=HINT)
    return files[0]


def _fields_of(form: FormData) -> UploadFields:
    try:
        return UploadFields.model_validate({key: value for key, value in form.items() if isinstance(value, str)})
    except ValidationError as error:
        reasons = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise InvalidInput(f"The form's fields do not fit: {reasons}.", hint=HINT) from error
