"""Server-sent events as bytes, made once for everybody who is sent the same."""

import json
from typing import Any

_SEPARATORS = (",", ":")


def encode(event: str, data: Any, *, sequence: int | None = None) -> bytes:
    """Return one event with its data as JSON; `sequence` is the id that a browser names when it comes back."""
    written = json.dumps(data, ensure_ascii=False, separators=_SEPARATORS)
    identified = f"id: {sequence}\n" if sequence is not None else ""
    return f"event: {event}\ndata: {written}\n{identified}\n".encode()
