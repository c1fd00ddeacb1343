"""What daily bills have in common: they are packed, and as large as a campus's can be at the most."""

import gzip
import io
import zlib
from typing import Final

import structlog

from accounts.payment_channels.channel import ChannelFailedError

log = structlog.get_logger()

LARGEST: Final = 512 * 1024 * 1024
"""Bytes of the text of a day; a million payments are about 300 MB."""


def tell_of_others(channel: str, lines: int, unreadable: int) -> None:
    """Log how many lines of a bill are other systems', and how many of theirs could not be read."""
    if lines:
        log.info("bill_lines_of_others", channel=channel, lines=lines)
    if unreadable:
        log.warning("bill_lines_of_others_unreadable", channel=channel, lines=unreadable)


def gunzip(packed: bytes) -> bytes:
    """Return a bill that came as GZIP.

    Raises:
        ChannelFailedError: it is damaged or too large.
    """
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(packed)) as file:
            text = file.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ChannelFailedError("the bill is damaged") from error
    if len(text) > LARGEST:
        raise ChannelFailedError("the bill is larger than a campus's can be")
    return text
