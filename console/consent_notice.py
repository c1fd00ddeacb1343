"""The notice that a person reads before consenting, and a digest by which it can be told later what they read."""

import hashlib

from console.texts import translator

PARTS = ("what", "where", "choice", "back")
"""The headed paragraphs, in the order of the page."""


def digest_notice(language: str, notice: str = "consent") -> str:
    """Return the SHA-256, in hexadecimal, of the words of `notice` in `language`, in the order in which they are read.

    `consent` is the one about face recognition, `gate_consent` the one about second photos taken at gates.
    """
    translate = translator(language)
    keys = ["title", "lead", *(key for part in PARTS for key in (f"{part}_title", part)), "sensitive"]
    words = "\n".join(translate(f"{notice}.{key}") for key in keys)
    return hashlib.sha256(words.encode()).hexdigest()
