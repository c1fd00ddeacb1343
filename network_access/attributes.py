"""Attributes as FreeRADIUS's `rlm_rest` sends and takes them (JSON, version 3.2); pure.

What it sends holds each byte of a text beyond ASCII as a character of its own (U+00E5 U+00BC U+00A0 is 张), and bytes
that are no UTF-8 as `0x…`. What it takes is expanded by its own language unless `do_xlat` says not: an answer of ours
is never a program. A number that is not whole would be dropped silently, which for a time means: without end.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

MOST_BYTES: Final = 253
"""Of a value in a RADIUS packet (RFC 2865, section 5)."""
_MOST_TIME: Final = 2**32 - 1

Value = str | int | float | bool | None


class AttributeIn(BaseModel):
    """One attribute with its values; the type is of no interest here."""

    model_config = ConfigDict(extra="ignore")

    value: Annotated[list[Value], Field(max_length=100)] = []


@dataclass(frozen=True, slots=True)
class Request:
    """The attributes of a packet, by name."""

    attributes: Mapping[str, AttributeIn]

    def text(self, name: str) -> str:
        """Return the first value as text in the UTF-8 that was on the wire; nothing for an absent one."""
        value = self._first(name)
        # A NUL is in no text of ours, and no database takes one.
        return "" if value is None else decode_text(str(value)).replace("\0", "")[:MOST_BYTES]

    def number(self, name: str) -> int | None:
        """Return the first value where it is a number that RADIUS has (32 bits, none below 0)."""
        value = self._first(name)
        try:
            number = int(str(value))
        except ValueError:
            return None
        return number if 0 <= number <= _MOST_TIME else None

    def octets(self, name: str) -> list[bytes]:
        """Return every value of an attribute of bytes; what is none is left out."""
        found = self.attributes.get(name)
        return [one for one in map(_decode_octets, [] if found is None else found.value) if one]

    def has(self, name: str) -> bool:
        """Tell whether the packet had it."""
        return name in self.attributes

    def _first(self, name: str) -> Value:
        found = self.attributes.get(name)
        return found.value[0] if found is not None and found.value else None


def decode_text(text: str) -> str:
    """Return a text as it was on the wire, in UTF-8, whatever was made of its bytes on the way."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        # It was UTF-8 already, or never was.
        return text


def _decode_octets(value: Value) -> bytes:
    text = str(value)
    if text.startswith("0x"):
        try:
            return bytes.fromhex(text[2:])
        except ValueError:
            return b""
    return text.encode("latin-1", errors="ignore")


def write_text(text: str) -> dict[str, Any]:
    """Return a text as an attribute's value that is taken literally, cut at a whole character where it is too long."""
    cut = text.encode()[:MOST_BYTES].decode(errors="ignore")
    return {"type": "string", "value": [cut], "do_xlat": False}


def write_seconds(seconds: float) -> dict[str, Any]:
    """Return a time as an attribute's value: whole seconds, at least one."""
    return {"type": "integer", "value": [min(max(1, int(seconds)), _MOST_TIME)], "do_xlat": False}


def write_octets(octets: bytes) -> dict[str, Any]:
    """Return bytes as an attribute's value."""
    return {"type": "octets", "value": [f"0x{octets.hex()}"], "do_xlat": False}


def write_word(word: str) -> dict[str, Any]:
    """Return the name of an attribute's value."""
    return {"value": [word], "do_xlat": False}


def join_texts(texts: Sequence[str]) -> str:
    """Return a text in two languages, as long as an attribute may be."""
    return " / ".join(filter(None, texts))
