"""The segments of a JPEG file before its first scan: what it says of itself, and the file without its metadata."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_START_OF_SCAN, _COMMENT = 0xDA, 0xFE
_FIRST_APPLICATION, _ADOBE, _LAST_APPLICATION = 0xE0, 0xEE, 0xEF
_EXIF, _XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
_ADOBE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment: its marker's second byte, where it starts and ends in the file, and what it holds."""

    marker: int
    start: int
    end: int
    body: bytes


def read_segments(content: bytes) -> Iterator[Segment]:
    """Yield the segments of a JPEG up to the first scan's header, that one included; none of anything else."""
    if content[:3] != b"\xff\xd8\xff":
        return
    at = 2
    while at + 4 <= len(content):
        start = at
        while at + 4 < len(content) and content[at : at + 2] == b"\xff\xff":
            at += 1  # padding
        if content[at] != 0xFF:
            return
        marker, length = content[at + 1], int(struct.unpack_from(">H", content, at + 2)[0])
        yield Segment(marker, start, at + 2 + length, content[at + 4 : at + 2 + length])
        if marker == _START_OF_SCAN or length < 2:
            return
        at += 2 + length


def is_in_one_scan(content: bytes, components: int) -> bool:
    """Return whether the first scan holds all `components`, so that a sequential file needs no second one."""
    scans = [segment.body for segment in read_segments(content) if segment.marker == _START_OF_SCAN]
    return bool(scans) and len(scans[0]) > 0 and scans[0][0] == components


def read_metadata(content: bytes) -> dict[str, bytes]:
    """Return the EXIF block and the XMP packet under the names that Pillow gives them."""
    found: dict[str, bytes] = {}
    for segment in read_segments(content):
        if segment.body.startswith(_EXIF):
            found.setdefault("exif", segment.body)
        elif segment.body.startswith(_XMP):
            found.setdefault("xmp", segment.body.removeprefix(_XMP))
    return found


def strip_metadata(content: bytes) -> bytes:
    """Return a JPEG without comments and application segments, but for Adobe's, which says what the colours are."""
    kept, last = [], 0
    for segment in read_segments(content):
        is_application = _FIRST_APPLICATION <= segment.marker <= _LAST_APPLICATION
        tells_colours = segment.marker == _ADOBE and len(segment.body) >= _ADOBE_BYTES
        if (is_application and not tells_colours) or segment.marker == _COMMENT:
            kept.append(content[last : segment.start])
            last = segment.end
    return b"".join([*kept, content[last:]])
