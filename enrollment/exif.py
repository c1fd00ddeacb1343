"""The few fields of a photo's metadata that matter, read without an error from whatever a camera or messenger wrote.

Only the first directory is looked at, and of each entry only what is asked for: a tag of another type than the
standard's, a broken directory behind it or a cut-off thumbnail takes nothing away from the rest.
"""

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ORIENTATION = 0x0112

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 13: 4}
"""Bytes of one value, by the type's number in TIFF."""
_NUMBERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i"}
_MOST_ENTRIES = 1_000
_XMP_ORIENTATION = re.compile(r"tiff:Orientation(?:\s*=\s*[\"']|>)\s*([1-8])\b")


@dataclass(frozen=True, slots=True)
class Field:
    """One field as it is stored: `kind` is the type's number in TIFF, `order` the sign of its byte order for struct."""

    kind: int
    value: bytes
    order: str

    @property
    def text(self) -> str:
        """The value as text. Chinese cameras write UTF-8 where the standard says ASCII."""
        return self.value.split(b"\0", 1)[0].decode("utf-8", "replace")

    @property
    def number(self) -> int | None:
        """The first value as a whole number, also where it is stored as text or as a fraction; None if it is none."""
        if self.kind in _NUMBERS and len(self.value) >= _SIZES[self.kind]:
            return int(struct.unpack_from(self.order + _NUMBERS[self.kind], self.value)[0])
        if self.kind in {5, 10} and len(self.value) >= _SIZES[5]:
            above, below = struct.unpack_from(self.order + ("II" if self.kind == 5 else "ii"), self.value)
            return above // below if below else None
        text = self.text.strip()
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None


def read_fields(info: Mapping[str, Any]) -> dict[int, Field]:
    """Return the fields of the first EXIF directory by their tag; `info` is that of Pillow or pillow_heif."""
    raw = _find_block(info).removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(raw[:4])
    if order is None or len(raw) < 10:
        return {}
    start = int(struct.unpack_from(order + "I", raw, 4)[0])
    if start + 2 > len(raw):
        return {}
    count = min(int(struct.unpack_from(order + "H", raw, start)[0]), _MOST_ENTRIES)
    found: dict[int, Field] = {}
    for entry in range(start + 2, min(start + 2 + 12 * count, len(raw) - 11), 12):
        tag, kind, length = struct.unpack_from(order + "HHI", raw, entry)
        size = _SIZES.get(kind, 0) * length
        at = entry + 8 if size <= 4 else int(struct.unpack_from(order + "I", raw, entry + 8)[0])
        if size and at + size <= len(raw):
            found.setdefault(tag, Field(kind, raw[at : at + size], order))
    return found


def read_orientation(info: Mapping[str, Any]) -> int:
    """Return how the picture is stored, 1 (upright) to 8, as EXIF says, or else XMP; 1 when neither says."""
    field = read_fields(info).get(ORIENTATION)
    number = field.number if field is not None else None
    if number is not None and 1 <= number <= 8:
        return number
    for name in ("xmp", "XML:com.adobe.xmp"):
        if found := _XMP_ORIENTATION.search(decode_text(info.get(name, ""))):
            return int(found.group(1))
    return 1


def decode_text(value: object) -> str:
    """Return a piece of metadata as text."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    text = str(value)
    try:
        # The decoder took UTF-8 for Latin-1.
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _find_block(info: Mapping[str, Any]) -> bytes:
    block = info.get("exif")
    if isinstance(block, bytes):
        return block
    # ImageMagick writes it into a PNG as hexadecimal text: a blank line, the name, the length, the bytes.
    lines = str(info.get("Raw profile type exif", "")).split("\n", 3)
    try:
        return bytes.fromhex(lines[3]) if len(lines) == 4 else b""
    except ValueError:
        return b""
