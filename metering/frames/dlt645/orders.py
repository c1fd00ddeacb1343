"""Orders to a meter's relay (1CH): trip, allow to close, close, alarm, keep power on.

Plain: PA P0 P1 P2 C0–C3 N1 00 ss mm hh DD MM YY, where PA P is the password's level and digits, C the operator's code,
N1 the command and the time the order's expiry. Encrypted: N1 and what follows are 20 bytes for the meter's security
module; they pass through here unread.
"""

from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from enum import IntEnum

from metering.frames import bcd
from metering.frames.bcd import CodecError
from metering.frames.dlt645 import times
from metering.frames.dlt645.frame import Frame, Function
from metering.frames.dlt645.models import MeterModel

ENCRYPTED_STATE_GRID, ENCRYPTED_SOUTHERN = 0x98, 0x96
_PLAIN_LENGTH, _CIPHER_LENGTH = 16, 20


class Command(IntEnum):
    """What the meter is told. `ALLOW_CLOSE` arms: the resident closes the relay by the meter's button."""

    TRIP = 0x1A
    ALLOW_CLOSE = 0x1B
    CLOSE = 0x1C
    PRE_TRIP_THEN_CLOSE = 0x1D
    PRE_TRIP_THEN_ALLOW_CLOSE = 0x1E
    ALARM = 0x2A
    ALARM_OFF = 0x2B
    KEEP_ON = 0x3A
    KEEP_OFF = 0x3B


@dataclass(frozen=True, slots=True)
class Credentials:
    """With what a meter is ordered: a password of six digits and the operator's code of eight, as they are printed."""

    password: str = field(default="000000", repr=False)
    operator: str = "00000000"


@dataclass(frozen=True, slots=True)
class PlainOrder:
    """An order as a meter reads it; `valid_until` is `None` where the time is all zeros."""

    level: int
    credentials: Credentials
    command: Command
    valid_until: datetime | None


@dataclass(frozen=True, slots=True)
class EncryptedOrder:
    """An order that only the meter's security module can read."""

    level: int
    operator: str
    cipher: bytes


def order(
    model: MeterModel, address: str, command: Command, *, credentials: Credentials, valid_until: datetime, zone: tzinfo
) -> Frame:
    """Return the plain order; after `valid_until` the meter must not obey, unless its model takes no such time.

    Raises:
        CodecError: the password has not six digits or the operator's code not eight, or the time has no zone.
    """
    password = _digits(credentials.password, 3)
    code = password if model.is_password_reversed else password[::-1]
    expiry = times.NEVER if model.is_expiry_zero else times.encode_second(valid_until, zone)
    head = bytes((model.order_level,)) + code + _digits(credentials.operator, 4)
    return Frame(address, Function.ORDER, head + bytes((command, 0)) + expiry)


def encrypted_order(address: str, sealed: EncryptedOrder) -> Frame:
    """Return the order around what a security module sealed.

    Raises:
        CodecError: the operator's code has not eight digits, or the cipher not 20 bytes.
    """
    if len(sealed.cipher) != _CIPHER_LENGTH:
        raise CodecError(f"a sealed order has {_CIPHER_LENGTH} bytes, and this {len(sealed.cipher)}")
    head = bytes((sealed.level, 0, 0, 0)) + _digits(sealed.operator, 4)
    return Frame(address, Function.ORDER, head + sealed.cipher)


def read_order(request: Frame, model: MeterModel, zone: tzinfo) -> PlainOrder | EncryptedOrder:
    """Return what the order `request` says, as a meter of that model reads it.

    Raises:
        CodecError: it is no order, or no command or time of one.
    """
    data = request.data
    if request.control != Function.ORDER or len(data) not in (_PLAIN_LENGTH, 8 + _CIPHER_LENGTH):
        raise CodecError("this is no order to a relay")
    operator = bcd.decode_text(data[4:8])
    if len(data) != _PLAIN_LENGTH:
        return EncryptedOrder(data[0], operator, data[8:])
    if data[8] not in set(Command):
        raise CodecError(f"there is no order {data[8]:02X}")
    code = data[1:4] if model.is_password_reversed else data[3:0:-1]
    expiry = data[10:]
    valid_until = None if expiry == times.NEVER else times.decode_second(expiry, zone)
    return PlainOrder(data[0], Credentials(bcd.decode_text(code), operator), Command(data[8]), valid_until)


def _digits(text: str, length: int) -> bytes:
    if len(text) != 2 * length or not text.isdecimal() or not text.isascii():
        raise CodecError(f"a code of {2 * length} digits is needed")
    return bcd.encode_text(text)
