"""The codes that a page shows of a virtual card: the present one, and those of the next minutes for a lost network."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from accounts.cards import virtual_cards
from accounts.cards.virtual_cards import SignCode
from accounts.cards.virtual_code import LIFETIME_S
from accounts.tables import Card
from console.qr import Squares, draw_digits

SHOWN = timedelta(seconds=30)
"""How long a code is shown: a till has half of its life left to read it, and a slow phone loses none."""
_NUMBER = 20
"""Codes in a batch: for ten minutes."""


def make_codes(
    session: Session, card: Card, key: bytes, *, sign: SignCode | None, now: datetime
) -> tuple[Squares, dict[str, Any]]:
    """Return the present code as squares, and a batch of codes as the page's script takes it; times in ms from now.

    `sign` makes them codes for gates too; without it they only pay.

    Raises:
        CardNotUsableError: the card is suspended.
    """
    made = virtual_cards.codes_ahead(session, card, key, now=now, every=SHOWN, number=_NUMBER)
    drawn = [draw_digits(code.digits if sign is None else sign(code.digits, code.second)) for code in made]
    last = datetime.fromtimestamp(made[-1].second, UTC)
    batch = {
        "shownMs": round(SHOWN.total_seconds() * 1000),
        "side": len(drawn[0].rows),
        "codes": [
            {"bits": squares.bits, "digits": group_digits(code.digits)}
            for squares, code in zip(drawn, made, strict=True)
        ],
        "until": (last + timedelta(seconds=LIFETIME_S)).isoformat(),
    }
    return drawn[0], batch


def group_digits(code: str) -> str:
    """Return a payment code for people to read: `90 1234567 123456789`."""
    return f"{code[:2]} {code[2:9]} {code[9:]}"
