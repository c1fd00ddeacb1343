"""The words of the pages (`words/*.toml`). A page is written with keys; the reader's browser decides the language."""

import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

Translate = Callable[[str], str]

LANGUAGES = {"zh": 0, "en": 1}


def _flatten(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, tuple[str, str]]]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            chinese, english = value
            yield f"{prefix}{key}", (chinese, english)


def _read_file(file: Path) -> dict[str, tuple[str, str]]:
    return dict(_flatten(tomllib.loads(file.read_text(encoding="utf-8"))))


_FILES = {file.stem: _read_file(file) for file in sorted((Path(__file__).parent / "words").glob("*.toml"))}

TEXTS: Mapping[str, tuple[str, str]] = {key: texts for found in _FILES.values() for key, texts in found.items()}
"""Every text by its key, in the order of `LANGUAGES`."""

OF_GATES = ("shared", "events", "gates", "problems")
_OF_PHOTOS = ("photos", "problems")
_OF_METERING = ("shared", "metering_codes", "metering_staff", "problems")
"""Files with what the scripts of an area's live pages may ask for. Other words are written by the server, or asked for
by name."""

_OF_SCRIPTS = frozenset(key for name in {*OF_GATES, *_OF_PHOTOS, *_OF_METERING} for key in _FILES[name])

_OF_USAGE = frozenset(_FILES["usage"])
"""What only a holder's page of water and electricity asks for, and no other page loads."""
_ALSO_FOR_USAGE = (
    "lifted_by.",
    "order.between",
    "punctuation.",
    "reading_quality.",
    "reading_source.",
    "session_doubt.",
    "signing.",
    "stop_reason.",
    "trip_reason.",
)
"""What that page asks for beside, in its own modules and in those that all pages share."""


def negotiate_language(accept_language: str | None) -> str:
    """Return the first language of an Accept-Language header that the pages are written in; Chinese when none is."""
    for part in (accept_language or "").split(","):
        tag = part.split(";")[0].strip().lower().split("-")[0]
        if tag in LANGUAGES:
            return tag
    return "zh"


def translator(chosen: str) -> Translate:
    """Return the function that gives a key's text in `chosen`; an unknown key comes back readable."""
    index = LANGUAGES[chosen]

    def translate(key: str) -> str:
        texts = TEXTS.get(key)
        return texts[index] if texts else key.rsplit(".", 1)[-1].replace("_", " ")

    return translate


@cache
def texts_of(chosen: str, files: tuple[str, ...]) -> dict[str, str]:
    """Return the texts in `chosen` of these files, and those of no table that the scripts of all live pages share."""
    index = LANGUAGES[chosen]
    wanted = {key for name in files for key in _FILES[name]} | {key for key in _OF_SCRIPTS if "." not in key}
    return {key: texts[index] for key, texts in TEXTS.items() if key in wanted}


@cache
def texts_of_photos(chosen: str) -> dict[str, str]:
    """Return the texts in `chosen` of pages about photos: of those that live pages share, none about gates."""
    return texts_of(chosen, _OF_PHOTOS) | texts_beginning(chosen, ("order.between", "problem.", "punctuation."))


@cache
def texts_beginning(chosen: str, beginnings: tuple[str, ...]) -> dict[str, str]:
    """Return the texts in `chosen` whose keys begin so, for a page whose script needs these and no others."""
    index = LANGUAGES[chosen]
    return {key: texts[index] for key, texts in TEXTS.items() if key.startswith(beginnings)}


@cache
def some_texts(chosen: str, beginnings: tuple[str, ...]) -> dict[str, str]:
    """Return the texts of no table, and those whose keys begin so: for a page that needs few of them."""
    index = LANGUAGES[chosen]
    return {
        key: texts[index]
        for key, texts in TEXTS.items()
        if key in _OF_SCRIPTS and ("." not in key or key.startswith(beginnings))
    }


def texts_of_usage(chosen: str, problems: Collection[str]) -> dict[str, str]:
    """Return every text in `chosen` that a holder's page of usage may ask for, and those of these problems' codes.

    A phone loads no others.
    """
    index = LANGUAGES[chosen]
    wanted = {f"problem.{code}" for code in problems}
    return {
        key: texts[index]
        for key, texts in TEXTS.items()
        if key in _OF_USAGE or key in wanted or "." not in key or key.startswith(_ALSO_FOR_USAGE)
    }
