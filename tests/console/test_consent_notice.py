"""The notice of face recognition: who consented can be shown what they read."""

import hashlib

from console import consent_notice
from console.texts import TEXTS

READ = {
    "zh": "8f8df1db51341cfaa1ab335cfc88ffaddca80ef4ed3145471216dc42c137e2ad",
    "en": "aee470c241f2b68f7888312907816c09ebfbeecaf138e88fa9349a4577fcc172",
}
"""Digests of version 2. Other words are another notice: name a new version, and everybody is asked again."""


def test_the_notice_of_version_2_is_the_one_people_consented_to() -> None:
    assert {language: consent_notice.digest_notice(language) for language in READ} == READ


def test_the_digest_is_of_the_words_in_the_order_of_the_page() -> None:
    keys = ["title", "lead", "what_title", "what", "where_title", "where", "choice_title", "choice"]
    keys += ["back_title", "back", "sensitive"]
    english = "\n".join(TEXTS[f"consent.{key}"][1] for key in keys)
    assert consent_notice.digest_notice("en") == hashlib.sha256(english.encode()).hexdigest()
