"""The codes that a page shows of a virtual card: the present one, and those of the next minutes for a lost network."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from accounts.cards import virtual_cards
from accounts.cards.virtual_code import LIFETIME_S
from accounts.tables import Card
from console.qr import draw_path

SHOWN = timedelta(seconds=30)
"""How long a code is shown: a till has half of its life left to read it, and a slow phone loses none."""
_NUMBER = 20
"""Codes in a batch: for ten minutes."""


def make_codes(session: Session, card: Card, key: bytes, *, now: datetime) -> dict[str, Any]:
    """Return a batch of codes as the page's script takes it; times in ms from now.

    Raises:
        CardNotUsableError: the card is suspended.
    """
    made = virtual_cards.codes_ahead(session, card, key, now=now, every=SHOWN, number=_NUMBER)
    return {
        "shownMs": round(SHOWN.total_seconds() * 1000),
        "codes": [{"drawn": draw_path(code), "digits": group_digits(code)} for _, code in made],
        "until": (made[-1][0] + timedelta(seconds=LIFETIME_S)).isoformat(),
    }


def group_digits(code: str) -> str:
    """Return a code for people to read: `90 1234567 123456789`."""
    return f"{code[:2]} {code[2:9]} {code[9:]}"
