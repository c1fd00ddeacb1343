"""The words of the screen, in both languages."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

WORDS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    key: {part: (texts[0], texts[1]) for part, texts in parts.items()}
    for key, parts in tomllib.loads((Path(__file__).parent / "words.toml").read_text(encoding="utf-8")).items()
}
"""By key: `title` and `lead`, each in Chinese and English."""


def describe(key: str) -> dict[str, Any]:
    """Return the words of `key` as JSON for the page."""
    parts = WORDS[key]
    return {part: {"zh": chinese, "en": english} for part, (chinese, english) in parts.items()}
