"""The notice of face recognition: who consented can be shown what they read."""

import hashlib

from console import consent_notice
from console.texts import TEXTS

READ = {
    "zh": "bd1a831c8adb5eb19ecd6304cb91ff6399958fbfcf4e334feca3132d734bf828",
    "en": "4dc6187c6fc4cffb0cbe4e09321d75f6b877d4014f5d69bc0cfb1477b8dcb8a0",
}
"""Digests of version 1. Other words are another notice: name a new version, and everybody is asked again."""


def test_the_notice_of_version_1_is_the_one_people_consented_to() -> None:
    assert {language: consent_notice.digest_notice(language) for language in READ} == READ


def test_the_digest_is_of_the_words_in_the_order_of_the_page() -> None:
    keys = ["title", "lead", "what_title", "what", "where_title", "where", "choice_title", "choice"]
    keys += ["back_title", "back", "sensitive"]
    english = "\n".join(TEXTS[f"consent.{key}"][1] for key in keys)
    assert consent_notice.digest_notice("en") == hashlib.sha256(english.encode()).hexdigest()
