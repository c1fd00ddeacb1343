"""Errors of every HTTP API as RFC 9457 problem details with a stable `code`.

A room's error that a client may see is a subclass of `ProblemError`: it states its code, status and title once, in the
room that raises it, and needs no mapping layer. Codes are unique in the whole server; `list_known()` lists them for the
documentation.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any, ClassVar

import structlog
from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from database import DatabaseBusyError, StorageError

MEDIA_TYPE = "application/problem+json"

_CHANGE_OVER_S = 2
"""When to ask again while the database is away: a planned change of its primary takes some seconds."""

log = structlog.get_logger()
_known: dict[str, "type[ProblemError]"] = {}


class Problem(BaseModel):
    """The body of every error (RFC 9457). Some codes add members of their own, such as `retry_after_s`."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="`urn:campusgate:problem:` and the code")
    title: str = Field(description="what kind of problem this is; the same for every problem of this code")
    status: int = Field(ge=400, le=599)
    code: str = Field(description="stable; programs decide by it")
    detail: str | None = Field(default=None, description="what went wrong this time, and how to mend it")


class ProblemError(Exception):
    """An error that an API answers as a problem. Subclasses set `code`, `status` and `title`."""

    code: ClassVar[str]
    status: ClassVar[int]
    title: ClassVar[str]

    def __init__(self, detail: str | None = None, *, headers: Mapping[str, str] | None = None, **members: Any) -> None:
        """Say what went wrong this time; `members` are added to the problem's body (JSON values, no secrets)."""
        super().__init__(detail or self.title)
        self.detail = detail
        self.headers = dict(headers or {})
        self.members = members

    def __init_subclass__(cls) -> None:
        """Register the code, once for the whole server."""
        super().__init_subclass__()
        if "code" not in cls.__dict__:
            return
        other = _known.get(cls.code)
        if other is not None and (other.__module__, other.__qualname__) != (cls.__module__, cls.__qualname__):
            raise TypeError(f"problem code {cls.code!r} belongs to {other.__module__}.{other.__qualname__} already")
        if not re.fullmatch(r"[a-z][a-z0-9_]*", cls.code) or cls.status not in set(HTTPStatus):
            raise TypeError(f"{cls.__qualname__}: a problem needs a snake_case code and an HTTP status")
        _known[cls.code] = cls

    def body(self) -> dict[str, Any]:
        """Return the problem as a JSON object."""
        body: dict[str, Any] = {
            "type": f"urn:campusgate:problem:{self.code}",
            "title": self.title,
            "status": self.status,
        }
        if self.detail is not None:
            body["detail"] = self.detail
        body["code"] = self.code
        body.update(jsonable_encoder(self.members))
        return body


class InvalidRequestError(ProblemError):
    """The request's body, parameters or headers do not fit the documented form; `errors` says where."""

    code = "invalid_request"
    status = 422
    title = "The request does not fit the documented form"


class NotFoundError(ProblemError):
    """No such object, or not for this caller."""

    code = "not_found"
    status = 404
    title = "There is no such object"


class MethodNotAllowedError(ProblemError):
    """The address exists, the method does not."""

    code = "method_not_allowed"
    status = 405
    title = "This address does not take this method"


class MalformedRequestError(ProblemError):
    """The request could not be read at all."""

    code = "malformed_request"
    status = 400
    title = "The request could not be read"


class BusyError(ProblemError):
    """Another writer holds the database; nothing was written."""

    code = "busy"
    status = 503
    title = "The server is busy; nothing was written, try again"


class StorageFullError(ProblemError):
    """The server's disk is full; nothing was written. Gates go on deciding."""

    code = "storage_full"
    status = 507
    title = "The server's storage is full; nothing was written"


class StorageUnusableError(ProblemError):
    """The server's database cannot be used: `fault` says whether it is read-only, damaged or does not answer.

    `Retry-After` stands where it may pass by itself, as when another server becomes the primary. What was asked for may
    have been done: the same request, with the same id or idempotency key, does nothing twice.
    """

    code = "storage_unusable"
    status = 503
    title = "The server's database cannot be used now; send the same request again later"


class InternalError(ProblemError):
    """A fault of the server. The log holds it; the answer does not."""

    code = "internal_error"
    status = 500
    title = "The server failed"


ALWAYS: tuple[type[ProblemError], ...] = (
    MalformedRequestError,
    InvalidRequestError,
    BusyError,
    StorageFullError,
    StorageUnusableError,
)
"""What any operation may answer, beside its own errors."""


def list_known() -> list[type[ProblemError]]:
    """Return every problem of the imported rooms, by code."""
    return [_known[code] for code in sorted(_known)]


def responses(*errors: type[ProblemError]) -> dict[int | str, dict[str, Any]]:
    """Return the `responses=` of a route that may answer `errors`, with their codes listed in the OpenAPI."""
    by_status: dict[int, list[type[ProblemError]]] = {}
    for error in dict.fromkeys((*errors, *ALWAYS)):
        by_status.setdefault(error.status, []).append(error)
    return {status: _document(found) for status, found in sorted(by_status.items())}


def _document(errors: Iterable[type[ProblemError]]) -> dict[str, Any]:
    errors = sorted(errors, key=lambda error: error.code)
    schema = _schema()
    code = {**schema["properties"]["code"], "enum": [error.code for error in errors]}
    return {
        "description": "; ".join(f"`{error.code}`: {error.title}" for error in errors),
        "content": {MEDIA_TYPE: {"schema": {**schema, "properties": {**schema["properties"], "code": code}}}},
    }


@cache
def _schema() -> dict[str, Any]:
    return Problem.model_json_schema()


def install(app: FastAPI) -> None:
    """Make `app` answer every error as a problem."""

    @app.exception_handler(ProblemError)
    def _problem(_request: Request, error: ProblemError) -> JSONResponse:
        return _answer(error)

    @app.exception_handler(RequestValidationError)
    def _invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        # What was sent is left out: it may be a password.
        errors = [{"where": [str(part) for part in one["loc"]], "what": one["msg"]} for one in error.errors()]
        return _answer(InvalidRequestError(_first_message(errors), errors=errors))

    @app.exception_handler(HTTPException)
    def _http(_request: Request, error: HTTPException) -> JSONResponse:
        kinds = {404: NotFoundError, 405: MethodNotAllowedError}
        problem = kinds.get(error.status_code, MalformedRequestError)(str(error.detail), headers=error.headers)
        return _answer(problem)

    @app.exception_handler(DatabaseBusyError)
    def _busy(_request: Request, _error: DatabaseBusyError) -> JSONResponse:
        return _answer(BusyError(headers={"Retry-After": "1"}))

    @app.exception_handler(StorageError)
    def _unstored(_request: Request, error: StorageError) -> JSONResponse:
        log.error("storage_unusable", fault=error.fault)
        if error.fault == "full":
            return _answer(StorageFullError("tell the administrator: the disk of the server needs room"))
        if error.may_pass:
            headers = {"Retry-After": str(_CHANGE_OVER_S)}
            return _answer(StorageUnusableError("the database does not answer", headers=headers, fault=error.fault))
        return _answer(StorageUnusableError("tell the administrator", fault=error.fault))

    @app.exception_handler(Exception)
    def _failed(request: Request, error: Exception) -> JSONResponse:
        route = request.scope.get("route")
        log.error("request failed", method=request.method, route=getattr(route, "path", None), exc_info=error)
        return _answer(InternalError())


def _first_message(errors: Sequence[Mapping[str, Any]]) -> str | None:
    if not errors:
        return None
    place, *names = errors[0]["where"]
    return f"header {names[0]}: {errors[0]['what']}" if place == "header" and names else str(errors[0]["what"])


def _answer(error: ProblemError) -> JSONResponse:
    return JSONResponse(error.body(), status_code=error.status, headers=error.headers, media_type=MEDIA_TYPE)
