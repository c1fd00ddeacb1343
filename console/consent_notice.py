"""The notice that a person reads before consenting, and a digest by which it can be told later what they read."""

import hashlib

from console.texts import translator

PARTS = ("what", "where", "choice", "back")
"""The headed paragraphs, in the order of the page."""


def digest_notice(language: str) -> str:
    """Return the SHA-256, in hexadecimal, of the notice's words in `language`, in the order in which they are read."""
    translate = translator(language)
    keys = ["title", "lead", *(key for part in PARTS for key in (f"{part}_title", part)), "sensitive"]
    words = "\n".join(translate(f"consent.{key}") for key in keys)
    return hashlib.sha256(words.encode()).hexdigest()
