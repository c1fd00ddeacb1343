"""The notice of face recognition: who consented can be shown what they read."""

import hashlib

from console import consent_notice
from console.texts import TEXTS

READ = {
    "zh": "3c7d0496cc50c09789067dda0471be2585a9ba3c6f83512b3f423548e2447df9",
    "en": "797259e9760013b7f8835efed31aadf4eb76bdd27b795ea5aeb7a508cc925977",
}
"""Digests of version 3. Other words are another notice: name a new version, and everybody is asked again."""


def test_the_notice_of_version_3_is_the_one_people_consented_to() -> None:
    assert {language: consent_notice.digest_notice(language) for language in READ} == READ


def test_the_digest_is_of_the_words_in_the_order_of_the_page() -> None:
    keys = ["title", "lead", "what_title", "what", "where_title", "where", "choice_title", "choice"]
    keys += ["back_title", "back", "sensitive"]
    english = "\n".join(TEXTS[f"consent.{key}"][1] for key in keys)
    assert consent_notice.digest_notice("en") == hashlib.sha256(english.encode()).hexdigest()
