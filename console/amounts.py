"""Reading amounts as people type them: yuan with at most two digits, plain or full width."""

import re
import unicodedata

MOST_FEN = 1_000_000
"""What one movement at a counter or a kiosk may be: 10,000 yuan, as the API has it."""

TOP_UP_AMOUNTS = (2_000, 5_000, 10_000, 20_000)
"""What most people top up, fen."""

_SIGNS = re.compile(r"^[¥$]|yuan$|元$", re.IGNORECASE)
_GROUPED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:[.][0-9]*)?")
_PLAIN = re.compile(r"([0-9]{1,9})(?:[.]([0-9]+))?")


class AmountError(ValueError):
    """What was typed is no amount that is taken here; `words` is the key of what is wrong with it."""

    def __init__(self, words: str) -> None:
        """Keep the key."""
        super().__init__(words)
        self.words = words


def read_yuan(text: str, *, least: int = 1, most: int = MOST_FEN) -> int:
    """Return an amount in fen: `12`, `12.5`, `12.50`, `1,200` and `１２．５` are understood.

    Raises:
        AmountError: it is empty, no number, finer than a fen, or not between `least` and `most` fen.
    """
    plain = unicodedata.normalize("NFKC", text).replace("。", ".").strip()
    plain = _SIGNS.sub("", _SIGNS.sub("", plain).strip()).strip()
    if not plain:
        raise AmountError("amount.missing")
    if _GROUPED.fullmatch(plain):
        plain = plain.replace(",", "")
    found = _PLAIN.fullmatch(plain)
    if found is None:
        raise AmountError("amount.no_number")
    yuan, digits = found[1], found[2] or ""
    if len(digits) > 2:
        raise AmountError("amount.too_fine")
    fen = int(yuan) * 100 + int(digits.ljust(2, "0"))
    if fen < least:
        raise AmountError("amount.zero")
    if fen > most:
        raise AmountError("amount.too_large")
    return fen


def write_yuan(fen: int) -> str:
    """Return an amount as it is put into an input: `12.50`."""
    return f"{fen // 100}.{fen % 100:02}"
