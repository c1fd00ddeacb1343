"""What every message shares: a version, bounded size, strict reading, one way of writing.

Readers ignore fields they do not know, so that a newer sender does not silence an older gate. Everything else that is
wrong with the bytes (size, JSON, a missing or wrong field) is one error, `MalformedMessageError`, which a handler can
log and drop.
"""

from datetime import UTC, datetime
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

MAX_PAYLOAD_BYTES = 16_384
"""No message of a gate is larger; longer payloads are refused before they are parsed."""

_SHOWN_CHARACTERS = 200


class MalformedMessageError(ValueError):
    """The payload is not a message of this kind; the text says which field is wrong and why."""


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("this time is outside the calendar") from error


_CODE_PATTERN = r"^[a-z][a-z0-9_]{0,62}$"

Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A time with its zone, kept in UTC."""

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
"""A site or a gate: one level of a topic."""

Code = Annotated[str, Field(pattern=_CODE_PATTERN)]
"""A stable lower-case code, such as a reason or the kind of an event. New codes may appear; readers pass them on."""

Sender = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@-]{0,62}$")]
"""Who signed: the name its public key is known under."""


class Message(BaseModel):
    """A frozen message; `encode` and `decode` are its only way on and off the wire."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    schema_version: Literal[1] = 1

    def encode(self) -> bytes:
        """Return the message as UTF-8 JSON."""
        return self.model_dump_json().encode()

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Read a message.

        Raises:
            MalformedMessageError: too long, no JSON, or a field is missing or wrong.
        """
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise MalformedMessageError(f"{len(payload)} bytes; a message has at most {MAX_PAYLOAD_BYTES}")
        try:
            return cls.model_validate_json(payload)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "payload"
            text = f"{cls.__name__}: {where}: {first['msg']}"
            raise MalformedMessageError(text[:_SHOWN_CHARACTERS]) from error
