"""A photo in a form, as the API and the pages take it: read within limits."""

from typing import Any

from fastapi import Request
from starlette.datastructures import UploadFile

from enrollment.assessment import PhotoUnreadableError
from enrollment.photo import MAX_BYTES
from web.problems import ProblemError

MAX_FORM_BYTES = MAX_BYTES + 16_384
"""A photo with the other fields and what multipart adds."""
_MOST_FIELDS = 4


class PhotoTooLargeError(ProblemError):
    """The request is larger than any photo that is taken."""

    code = "photo_too_large"
    status = 413
    title = "The file is too large"


class LengthRequiredError(ProblemError):
    """The request does not say how long it is."""

    code = "length_required"
    status = 411
    title = "Send a Content-Length header"


class NoFileError(ProblemError):
    """The form has no field `file` with a file in it."""

    code = "file_missing"
    status = 422
    title = "Send one file in the form field `file`"


FILE_ERRORS = (PhotoUnreadableError, PhotoTooLargeError, LengthRequiredError, NoFileError)
"""Of routes that take a photo."""


def describe_form(**fields: dict[str, Any]) -> dict[str, Any]:
    """Return the `openapi_extra` of a route that takes a picture and the text `fields`, by their JSON schemas."""
    picture = {"type": "string", "format": "binary", "description": "JPEG, PNG, WebP, HEIC"}
    schema = {"type": "object", "required": ["file", *fields], "properties": {"file": picture, **fields}}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


async def read_form(request: Request) -> tuple[bytes, dict[str, str]]:
    """Return the file in the field `file`, and the form's texts.

    The length is checked before anything is read; the web server takes no more than the request announced.

    Raises:
        LengthRequiredError, PhotoTooLargeError, NoFileError: as they say.
    """
    length = request.headers.get("content-length", "")
    if not length.isascii() or not length.isdecimal():
        raise LengthRequiredError
    if int(length) > MAX_FORM_BYTES:
        raise PhotoTooLargeError(f"at most {MAX_BYTES // 1_048_576} MB", limit_bytes=MAX_BYTES)
    async with request.form(max_files=1, max_fields=_MOST_FIELDS) as found:
        file = found.get("file")
        if not isinstance(file, UploadFile):
            raise NoFileError
        texts = {name: value for name, value in found.items() if isinstance(value, str)}
        return await file.read(), texts
