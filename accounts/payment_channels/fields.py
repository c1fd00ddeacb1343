"""What providers write alike: numbers of orders, amounts in yuan, times of Beijing, addresses."""

import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Final
from urllib.parse import urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import AfterValidator

BEIJING: Final = ZoneInfo("Asia/Shanghai")
_NUMBER: Final = re.compile(r"[0-9a-f]{32}", re.IGNORECASE | re.ASCII)
_NUMBER_WITHIN: Final = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{32}(?![0-9A-Za-z])", re.IGNORECASE | re.ASCII)
_YUAN: Final = re.compile(r"\s*[-+]?\d+(\.\d+)?\s*", re.ASCII)
"""Narrower than what Python takes, which reads `1_0` and full-width digits as numbers too."""
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def read_number(text: str) -> UUID:
    """Return our id of a number that we gave: 32 hexadecimal digits.

    Raises:
        ValueError: we gave no such number.
    """
    if _NUMBER.fullmatch(text) is None:
        raise ValueError("not a number of ours")
    return UUID(hex=text)


def find_number(text: str) -> UUID | None:
    """Return our id of a number, or None where it is somebody else's."""
    try:
        return read_number(text)
    except ValueError:
        return None


def holds_number(text: str) -> bool:
    """Whether something in a text may be a number that we gave."""
    return _NUMBER_WITHIN.search(text) is not None


def read_yuan(yuan: str) -> int:
    """Return fen.

    Raises:
        ValueError: it is no amount in yuan with at most two decimals.
    """
    if _YUAN.fullmatch(yuan) is None:
        raise ValueError("no amount")
    try:
        fen = Decimal(yuan) * 100
        if fen == int(fen):
            return int(fen)
    except (InvalidOperation, OverflowError) as error:
        raise ValueError("no amount") from error
    raise ValueError("parts of a fen")


def write_yuan(fen: int) -> str:
    """Return an amount as providers take it."""
    return f"{fen // 100}.{fen % 100:02}"


def read_time(text: str) -> datetime:
    """Return a time that stands without its zone, which is Beijing's, in UTC.

    Raises:
        ValueError: it is none.
    """
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING).astimezone(UTC)


def _require_https(value: str) -> str:
    parts = urlsplit(value)
    if parts.query or not (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)):
        raise ValueError("an address that begins with https:// and has no query")
    return value


HttpsAddress = Annotated[str, AfterValidator(_require_https)]
"""A provider's, or one that a provider is given; this machine's own may be plain, for a peer in a test."""
