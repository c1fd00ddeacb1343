"""One spelling of names and numbers, whatever keyboard, list or page they came from.

What is stored was brought to it, and what is typed is brought to it before it is compared or looked for.
"""

import re
import unicodedata

_POINTS = "\u00b7\u0387\u2022\u2027\u2219\u22c5\u30fb\uff65\uff0e\u02d9\u16eb\u2e31\u25cf\u2e33\u1427\u318d"
"""What keyboards and fonts have for the point in 古丽·买买提."""
_HAN = "\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_POINT_AMONG_LETTERS = re.compile(rf"\s*[{_POINTS}]\s*")
_FULL_STOP_IN_CHINESE = re.compile(rf"(?<=[{_HAN}])\s*[.]\s*(?=[{_HAN}])")
_BLANK_IN_CHINESE = re.compile(rf"(?<=[{_HAN}]) (?=[{_HAN}])")
_VARIATIONS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")


def name(text: str) -> str:
    """Return a person's name in its one spelling.

    Full-width letters become plain ones and every look-alike of the point the same point; blanks at the ends, double
    ones and those between Chinese characters go, and so does what is not to be seen.
    """
    text = _POINT_AMONG_LETTERS.sub("·", _visible(text))
    text = _FULL_STOP_IN_CHINESE.sub("·", _single_blanks(unicodedata.normalize("NFKC", text)))
    return _BLANK_IN_CHINESE.sub("", text)


def number(text: str) -> str:
    """Return the number of a person, a card or a document in its one spelling: plain letters and digits.

    A blank within stays: it may stand between two numbers.
    """
    return _single_blanks(unicodedata.normalize("NFKC", _visible(text)))


def line(text: str) -> str:
    """Return a line of text, such as a department, without what is not to be seen and with single blanks."""
    return _single_blanks(unicodedata.normalize("NFC", _visible(text)))


def _visible(text: str) -> str:
    shown = "".join(one for one in text if unicodedata.category(one) != "Cf")
    return _VARIATIONS.sub("", shown)


def _single_blanks(text: str) -> str:
    # Line ends and other control characters stay: they are no blank, and refused with a word where text is taken in.
    return re.sub(r"[ \u3000\xa0\u2000-\u200a\u202f\u205f]+", " ", text).strip(" ")
