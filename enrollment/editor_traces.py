"""Traces that picture editors and beauty cameras leave in a photo's metadata."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from enrollment import exif

_SOFTWARE, _PROCESSING_SOFTWARE, _HOST_COMPUTER, _DESCRIPTION = 0x0131, 0x000B, 0x013C, 0x010E

_EDITORS = re.compile(
    r"photoshop|lightroom|gimp|snapseed|picsart|vsco|facetune|faceapp|facelab|remini|youcam|perfect365|beautyplus|"
    r"beautycam|airbrush|meitu|美图|美颜|xingtu|醒图|ulike|轻颜|faceu|激萌|b612|snow camera|pitu|天天p图|camera360|"
    r"prequel|lensa|canva|affinity photo|pixelmator|paint\.net|photoscape|fotor|polarr|capcut|剪映",
    re.IGNORECASE,
)


def find_editor(info: Mapping[str, Any]) -> str | None:
    """Return the name of the editor that the metadata speaks of, or None; `info` is that of Pillow or pillow_heif.

    Reads EXIF, XMP, PNG text and Photoshop's own JPEG segment. Absence proves nothing: messengers strip metadata.
    """
    if "photoshop" in info:
        return "Photoshop"
    for text in _read_texts(info):
        if found := _EDITORS.search(text):
            return found.group(0)
    return None


def _read_texts(info: Mapping[str, Any]) -> Iterator[str]:
    fields = exif.read_fields(info)
    for tag in (_SOFTWARE, _PROCESSING_SOFTWARE, _HOST_COMPUTER, _DESCRIPTION):
        if tag in fields:
            yield fields[tag].text
    for name in ("Software", "software", "Comment", "comment", "Description"):
        value = info.get(name)
        if value is not None:
            yield exif.decode_text(value)
    for name in ("xmp", "XML:com.adobe.xmp"):
        yield from _read_xmp_tools(exif.decode_text(info.get(name, "")))


def _read_xmp_tools(packet: str) -> Iterator[str]:
    """Yield what the packet says of the tools; the packet's own toolkit (Adobe's, in every phone) does not count."""
    for found in re.finditer(r"(?:CreatorTool|softwareAgent|Software)(?:=\"([^\"]*)\"|>([^<]*)<)", packet):
        yield found.group(1) or found.group(2) or ""
